/**
 * The log as a small interface. Lines are JSON on stderr (pino), so that stdout stays data, unless
 * whoever makes the logger has another form for them; pino is loaded only when a logger is made,
 * because client commands must start fast.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A logger whose lines all carry `fields`. */
  child(fields: object): Logger
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export const nullLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => nullLogger,
}

/** Fields whose values never reach a line, at any of the two outer levels. */
const SECRET_FIELDS = ['token', 'authorization', 'password', 'secret', 'privateKey', 'key']

/** Lines that could not be written are held up to so many bytes; more are dropped. */
const MAX_HELD_BYTES = 256 * 1024

/** A log that cannot be written, as on a full disk, stops nobody: calls never throw for it. */
export async function createLogger(init: {
  level: LogLevel
  fields?: object
  fd?: number
  /** A line of JSON as it is to be written, both without the line break. Default: as it is. */
  form?: (json: string) => string
}): Promise<Logger> {
  const { pino } = await import('pino')
  const { form } = init
  const sink = pino.destination({ fd: init.fd ?? 2, sync: true, maxLength: MAX_HELD_BYTES })
  // On a full disk it fails. Lines are held and written with the next that goes through.
  sink.on('error', () => undefined)
  const formed = { write: (line: string) => sink.write(`${form?.(line.trimEnd()) ?? line}\n`) }
  const logger: Logger = pino(
    {
      level: init.level,
      base: { ...init.fields },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    form === undefined ? sink : formed,
  )
  return logger
}
