import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { onEndSignals, type EndSignal } from '../../../src/cli/signals.ts'

function listen() {
  const source = new EventEmitter()
  const seen: string[] = []
  let time = 0
  const off = onEndSignals(
    { asked: (signal) => seen.push(signal), forced: () => seen.push('forced') },
    source,
    () => time,
  )
  const send = (signal: EndSignal, afterMs = 0) => {
    time += afterMs
    source.emit(signal)
    return seen.join(' ')
  }
  return { send, off, source }
}

describe('signals that end a command', () => {
  it('ask once, and insist at a second Ctrl-C', () => {
    const { send } = listen()
    expect(send('SIGINT')).toBe('SIGINT')
    expect(send('SIGINT', 1_000)).toBe('SIGINT forced')
  })

  it('count a Ctrl-C that npm hands on a moment later as the same', () => {
    const { send } = listen()
    send('SIGINT')
    expect(send('SIGINT', 50)).toBe('SIGINT')
    expect(send('SIGINT', 2_000)).toBe('SIGINT forced')
  })

  it('insist by nothing but Ctrl-C: a closing terminal sends several', () => {
    const { send } = listen()
    expect(send('SIGHUP')).toBe('SIGHUP')
    expect(send('SIGHUP', 1_000)).toBe('SIGHUP')
    expect(send('SIGTERM', 1_000)).toBe('SIGHUP')
  })

  it('leave no listener', () => {
    const { off, source } = listen()
    off()
    expect(source.eventNames()).toEqual([])
  })
})
