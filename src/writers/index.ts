export { csvWriter } from './csv.ts'
export { writeRecording, writerFor, writers } from './write-recording.ts'
export type { Writer } from './writer.ts'
