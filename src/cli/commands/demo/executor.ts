/** Whether the coding agent that was asked for is on this machine: said before anything starts. */
import { findProgram } from '../../../process/index.ts'
import { PRESETS, type Preset } from '../../../work/index.ts'
import { CliError } from '../../errors.ts'

/** `path`: as the agents get it. Errors: `USAGE` (data: known, found). */
export async function checkExecutor(name: string, path: string): Promise<void> {
  const preset = PRESETS.find((one) => one.name === name)
  if (preset !== undefined && (await isHere(preset, path))) return
  const here = await Promise.all(PRESETS.map((one) => isHere(one, path)))
  const found = PRESETS.filter((_, at) => here[at]).map((one) => one.name)
  const known = PRESETS.map((one) => one.name)
  const data = { executor: name, known, found }
  const choice =
    found.length === 0
      ? 'None is found on this machine; leave --executor out for the scripted one.'
      : `On this machine: ${found.join(', ')}.`
  if (preset === undefined) {
    const message = `No coding agent is known as ${JSON.stringify(name)}.`
    throw new CliError('USAGE', message, { data, next: `Known: ${known.join(', ')}. ${choice}` })
  }
  const [program] = preset.command
  const message = `${preset.title} is not installed: there is no program ${program} on PATH.`
  throw new CliError('USAGE', message, { data, next: `Install it, or use another one. ${choice}` })
}

const isHere = async ({ command: [program] }: Preset, path: string) =>
  (await findProgram(program, path)) !== undefined
