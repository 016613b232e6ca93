/**
 * What a command writes: data on stdout, messages on stderr. Colours follow NO_COLOR, FORCE_COLOR,
 * TERM=dumb, whether it is a terminal, and `--no-color`.
 */
import { styleText } from 'node:util'
import { hasCode } from '../../util/index.ts'
import { CliError, OutputClosed } from '../errors.ts'
import { safeJson } from './text.ts'

export type Style = Parameters<typeof styleText>[0]

export interface Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  /** Columns of the terminal as it is now; Infinity when stdout is none. */
  readonly columns: number
  /** Lines of the terminal as it is now; Infinity when stdout is none. */
  readonly rows: number
  /** A terminal whose cursor can be moved. */
  readonly redraws: boolean
  /**
   * Writes a line and waits until it is taken. Errors: `OutputClosed` when the reader has gone,
   * `OUTPUT_FAILED` when it cannot be written for another reason, such as a full disk.
   */
  data(text: string): Promise<void>
  /** Like `data`, without the line break. */
  raw(text: string): Promise<void>
  /** A JSON document. */
  document(value: unknown): Promise<void>
  /** One JSON value a line. */
  jsonLine(value: unknown): Promise<void>
  /** For people, on stderr; not with `--quiet`, and not with `--json`: stderr then holds only JSON. */
  message(text: string): void
  /** On stderr, also with `--quiet`; JSON with `--json`. */
  error(text: string): void
  style(style: Style, text: string): string
  /** Undoes what was registered on the streams. */
  close(): void
}

export interface OutputInit {
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  json: boolean
  quiet: boolean
  verbose: boolean
  color: boolean
  /** `TERM`: `dumb` is a terminal that only takes lines. */
  term?: string | undefined
}

const gone = ['EPIPE', 'ERR_STREAM_DESTROYED']

/** A reader that went away has what it wanted; anything else means that data is missing. */
function writeFailure(cause: Error): Error {
  if (gone.some((code) => hasCode(cause, code))) {
    return new OutputClosed('stdout is closed', { cause })
  }
  return new CliError('OUTPUT_FAILED', 'The output could not be written in full.', {
    cause,
    data: { cause: cause.message },
    next: 'Look whether the disk that stdout goes to is full, then run it again.',
  })
}

export function createOutput(init: OutputInit): Output {
  const { stdout, stderr, json, quiet, verbose, color } = init
  const ignore = () => undefined
  stdout.on('error', ignore)
  stderr.on('error', ignore)
  const raw = (text: string) =>
    new Promise<void>((resolve, reject) => {
      stdout.write(text, (error) => {
        if (error) reject(writeFailure(error))
        else resolve()
      })
    })
  const write = (text: string) => raw(`${text}\n`)
  /** Some terminals say 0 when they do not know. */
  const size = (of: 'columns' | 'rows', otherwise: number) =>
    stdout.isTTY ? stdout[of] || otherwise : Infinity
  const error = (text: string) => void stderr.write(`${text}\n`)
  return {
    json,
    quiet,
    verbose,
    get columns() {
      return size('columns', 80)
    },
    get rows() {
      return size('rows', 24)
    },
    redraws: stdout.isTTY && init.term !== 'dumb',
    data: write,
    raw,
    document: (value) => write(safeJson(value, 2)),
    jsonLine: (value) => write(safeJson(value)),
    message: (text) => {
      if (!quiet && !json) error(text)
    },
    error,
    style: (style, text) => (color ? styleText(style, text, { stream: stdout }) : text),
    close: () => {
      stdout.off('error', ignore)
      stderr.off('error', ignore)
    },
  }
}
