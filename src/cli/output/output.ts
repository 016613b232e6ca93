/**
 * What a command writes: data on stdout, messages on stderr. Colours follow NO_COLOR, FORCE_COLOR,
 * TERM=dumb, whether it is a terminal, and `--no-color`.
 */
import { styleText } from 'node:util'
import { OutputClosed } from '../errors.ts'
import { safeJson } from './text.ts'

export type Style = Parameters<typeof styleText>[0]

export interface Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  /** Columns of the terminal; Infinity when stdout is none. */
  readonly columns: number
  /** Writes a line and waits until it is taken. Errors: `OutputClosed` when the reader has gone. */
  data(text: string): Promise<void>
  /** A JSON document. */
  document(value: unknown): Promise<void>
  /** One JSON value a line. */
  jsonLine(value: unknown): Promise<void>
  /** For people, on stderr; not with `--quiet`. */
  message(text: string): void
  /** On stderr, also with `--quiet`. */
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
}

export function createOutput(init: OutputInit): Output {
  const { stdout, stderr, json, quiet, verbose, color } = init
  const ignore = () => undefined
  stdout.on('error', ignore)
  stderr.on('error', ignore)
  const write = (text: string) =>
    new Promise<void>((resolve, reject) => {
      stdout.write(`${text}\n`, (error) => {
        if (error) reject(new OutputClosed('stdout is closed', { cause: error }))
        else resolve()
      })
    })
  const error = (text: string) => void stderr.write(`${text}\n`)
  return {
    json,
    quiet,
    verbose,
    columns: stdout.isTTY ? stdout.columns : Infinity,
    data: write,
    document: (value) => write(safeJson(value, 2)),
    jsonLine: (value) => write(safeJson(value)),
    message: (text) => {
      if (!quiet) error(text)
    },
    error,
    style: (style, text) => (color ? styleText(style, text, { stream: stdout }) : text),
    close: () => {
      stdout.off('error', ignore)
      stderr.off('error', ignore)
    },
  }
}
