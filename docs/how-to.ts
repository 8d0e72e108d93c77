/** Pages that add a file to the project. */
export const HOW_TO = [
  'add-a-policy',
  'add-a-release',
  'add-a-reader',
  'add-a-report-section',
  'add-a-workload',
] as const
