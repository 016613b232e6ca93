import { describe, expect, it } from 'vitest'
import { logText } from '../../../src/cli/output/log-line.ts'

const time = '2026-01-02T12:00:00.000Z'
const nowMs = Date.parse(time)
const line = (fields: object) => JSON.stringify({ level: 'info', time, agent: 'ada', ...fields })
const short = (fields: object) => logText(line(fields), { nowMs, verbose: false }).slice(9)

describe('a line of the log', () => {
  it.each([
    [{ msg: 'ada is up', peerId: '12D3', addresses: ['/ip4'] }, 'ada is up'],
    [{ level: 'warn', event: 'github.down', err: 'no', msg: 'It is down' }, 'warn It is down: no'],
    [{ repo: 'octo/lib', issue: 7, msg: 'ended', outcome: 'failed' }, 'octo/lib#7 ended: failed'],
    [{ repo: 'octo/lib', msg: 'octo/lib works' }, 'octo/lib works'],
  ])('%j is %s', (fields, expected) => {
    expect(short(fields)).toBe(expected)
    expect(logText(line(fields), { nowMs, verbose: false })).toMatch(/^\d\d:\d\d:\d\d /)
  })

  it('has all fields when asked', () => {
    const all = logText(line({ msg: 'up', peerId: '12D3', addresses: ['/ip4'] }), {
      nowMs,
      verbose: true,
    })
    expect(all).toMatch(/ up peerId=12D3 addresses=\["\/ip4"\]$/)
  })

  it('lets no escape sequence through, and takes what is no JSON', () => {
    const evil = '\u001b[2J\u009b31m\n\u202e'
    for (const text of [
      short({ msg: evil, err: evil, repo: evil }),
      logText(evil, { nowMs, verbose: true }),
    ])
      // eslint-disable-next-line no-control-regex
      expect(text).not.toMatch(/[\u001b\u009b\n\u202e]/)
    expect(logText('plain\n', { nowMs, verbose: false })).toBe('plain')
  })
})
