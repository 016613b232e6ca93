/**
 * The demo's screen. On a terminal it is redrawn in place; where lines are all there is (a pipe, a
 * dumb terminal, `--json`) each change is a line.
 */
import type { Output } from '../../output/output.ts'
import { clean, width } from '../../output/text.ts'
import { draw, type Style } from './draw.ts'
import type { Scene } from './scene.ts'

export interface Screen {
  /** Errors: those of `Output.raw`. */
  show(scene: Scene): Promise<void>
  /** The last frame, whole; what follows is written below it. */
  end(scene: Scene): Promise<void>
}

const unlimited = { columns: Infinity, rows: Infinity }

export function createScreen(out: Output, live: boolean): Screen {
  /** Widths of the lines of the last frame. */
  let drawn: number[] = []
  const style: Style = (how, text) => out.style(how, text)
  const redraw = async (scene: Scene, rows: number) => {
    const { columns } = out
    const lines = draw(scene, { columns, rows }, style)
    const up = Math.min(rowsTaken(drawn, columns), out.rows - 1)
    const back = up === 0 ? '' : `\u001B[${up}A\u001B[0J`
    drawn = lines.map((line) => width(withoutStyle(line)))
    await out.raw(`${back}${lines.join('\n')}\n`)
  }
  return live
    ? { show: (scene) => redraw(scene, out.rows), end: (scene) => redraw(scene, Infinity) }
    : {
        show: createTeller(out),
        end: (scene) => out.data(draw(scene, unlimited, style).join('\n')),
      }
}

/** A terminal that became narrower has wrapped the lines that are there. */
export function rowsTaken(widths: readonly number[], columns: number): number {
  return widths.reduce((sum, one) => sum + Math.max(1, Math.ceil(one / columns)), 0)
}

// eslint-disable-next-line no-control-regex
const withoutStyle = (line: string) => line.replace(/\u001b\[[0-9;]*m/g, '')

function createTeller(out: Output): Screen['show'] {
  const known = new Map<number, string>()
  let connected = 0
  let complete = false
  return async ({ rows, waiting, peers, starting }) => {
    const now = peers.filter((peer) => peer.connected).length
    if (starting > 0 && now > connected) out.message(`${now} of ${starting} agents are connected.`)
    if (starting === 0 && !complete) out.message(`All ${now} agents are connected.`)
    complete = starting === 0
    connected = now
    for (const { issue, title, state, agent, pullRequest } of rows) {
      const reason = waiting.find((one) => one.issue === issue)?.reason
      const key = `${state} ${agent ?? ''} ${reason ?? ''}`
      if (known.get(issue) === key) continue
      known.set(issue, key)
      const more = reason ?? (state === 'done' || state === 'review' ? pullRequest?.url : undefined)
      const line = `#${issue} ${state.padEnd(10)} ${(agent ?? '-').padEnd(6)} ${title}`
      out.message(clean(more === undefined ? line : `${line}  ${more}`))
    }
  }
}
