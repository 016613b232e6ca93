import { describe, expect, it } from 'vitest'
import type { Exit } from '../../../src/process/index.ts'
import { isOfTask, saysNotStarted } from '../../../src/work/checks-start.ts'

const place = { clone: '/w/1/clone', home: '/w/1/h', tmp: '/w/1/t' }

describe('programs that the work may make', () => {
  it.each([
    ['node', false],
    ['/opt/bin/node', false],
    ['/w/1/cloned/node', false],
    ['./check.sh', true],
    ['scripts/check.sh', true],
    ['/w/1/clone/check.sh', true],
    ['/w/1/h/.local/bin/tool', true],
    ['/tmp/tool', true],
    ['/opt/../w/1/clone/x', true],
  ])('%s: %s', (program, is) => expect(isOfTask(program, place)).toBe(is))
})

describe('a program that was not started', () => {
  const program = '/opt/bin/node'
  const line = `prlimit: failed to execute ${program}: No such file or directory\n`
  const cases: [string, Pick<Exit, 'exitCode' | 'tail'>, boolean][] = [
    ['bubblewrap', { exitCode: 127, tail: line }, true],
    ['not executable', { exitCode: 126, tail: line }, true],
    ['with a proxy', { exitCode: 127, tail: `${program} could not be started: ENOENT\n` }, true],
    ['a failing test', { exitCode: 1, tail: line }, false],
    ['a shell', { exitCode: 127, tail: 'sh: 1: vitest: not found\n' }, false],
    ['a quotation', { exitCode: 127, tail: `${line}1 test failed\n` }, false],
    ['another program', { exitCode: 127, tail: 'prlimit: failed to execute x: No\n' }, false],
  ]
  it.each(cases)('%s', (_, exit, is) => expect(saysNotStarted(exit as Exit, program)).toBe(is))
})
