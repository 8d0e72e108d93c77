import { TraceError } from '#kernel/messages'
import { shownAddress } from './captures.ts'

interface Opened {
  readonly body: ReadableStream<Uint8Array>
  /** Bytes that are announced. */
  readonly length: number | undefined
}

const TRIES = 4
const S3_HINT =
  'Names and keys of S3-compatible stores come from AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.'

/** Worth another try: the store is busy or out of order for a moment. */
const passing = (status: number): boolean => status === 429 || status >= 500

/**
 * Opens `https:`, `http:` or `s3://bucket/key`. Tried again, later each time, where the store is busy.
 *
 * @throws TraceError where there is no such object or no permission
 */
export async function openObject(at: string): Promise<Opened> {
  const isS3 = at.toLowerCase().startsWith('s3:')
  const ask = isS3 ? await signed(at) : () => fetch(plainUrl(at))
  for (let tried = 1; ; tried++) {
    let response: Response | undefined
    let problem = ''
    try {
      response = await ask()
    } catch (error) {
      const { cause, message } = error as Error
      problem = cause instanceof Error ? cause.message : message
    }
    if (response?.ok === true && response.body !== null) {
      const length = response.headers.get('content-encoding') === null ? response.headers.get('content-length') : null
      return { body: response.body, length: length === null ? undefined : Number(length) }
    }
    if (tried === TRIES || (response !== undefined && !passing(response.status)))
      throw new TraceError({
        place: { file: shownAddress(at) },
        what:
          response === undefined
            ? `can't be fetched: ${problem}`
            : `the store answers ${response.status} ${response.statusText}`.trim(),
        hint: isS3 ? S3_HINT : 'Fetch it yourself, to see what is wrong with the address: `curl -IL ADDRESS`.',
      })
    await response?.body?.cancel()
    await new Promise((done) => setTimeout(done, 250 * 2 ** tried * (0.5 + Math.random())))
  }
}

/** A user and password belong into a header, not into an address that may be logged. */
function plainUrl(at: string): string | Request {
  const url = new URL(at)
  const { username, password } = url
  if (username === '') return at
  url.username = ''
  url.password = ''
  const token = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  return new Request(url, { headers: { authorization: `Basic ${token}` } })
}

async function signed(at: string): Promise<() => Promise<Response>> {
  const { host: bucket, pathname } = new URL(at)
  const { env } = process
  const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? 'us-east-1'
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL
  const url =
    endpoint === undefined
      ? `https://${bucket}.s3.${region}.amazonaws.com${pathname}`
      : `${endpoint.replace(/\/$/, '')}/${bucket}${pathname}`
  const [accessKeyId, secretAccessKey] = [env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY]
  // A public bucket asks for no signature.
  if (accessKeyId === undefined || secretAccessKey === undefined) return () => fetch(url)
  const { AwsClient } = await import('aws4fetch')
  const sessionToken = env.AWS_SESSION_TOKEN
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    service: 's3',
    region,
    retries: 0,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  })
  return () => client.fetch(url)
}
