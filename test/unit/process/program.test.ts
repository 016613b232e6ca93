import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { locate } from '../../../src/process/program.ts'
import { findProgram } from '../../../src/process/index.ts'

const home = mkdtempSync(join(tmpdir(), 'bzzz-program-'))
const folder = (name: string) => {
  mkdirSync(join(home, name), { recursive: true })
  return join(home, name)
}
const program = (path: string, mode = 0o755) => {
  writeFileSync(path, '#!/bin/sh\n')
  chmodSync(path, mode)
  return path
}

afterAll(() => rmSync(home, { recursive: true }))

describe('findProgram', () => {
  it('takes the first program of that name on the PATH given', async () => {
    program(join(folder('a'), 'tool'), 0o644)
    mkdirSync(join(folder('b'), 'tool'))
    const right = program(join(folder('c'), 'tool'))
    program(join(folder('d'), 'tool'))
    const path = ['a', 'b', 'c', 'd'].map((name) => join(home, name)).join(delimiter)
    expect(await findProgram('tool', path)).toBe(right)
  })

  it('finds nothing on an empty PATH, nor in the working directory', async () => {
    program(join(folder('here'), 'tool'))
    expect(await findProgram('tool', '')).toBeUndefined()
    expect(locate('tool', `${delimiter}/nowhere`, join(home, 'here'))).toBeUndefined()
    expect(locate('./tool', '', join(home, 'here'))).toBe(join(home, 'here', 'tool'))
  })

  it('takes an absolute path as it is', async () => {
    const path = program(join(folder('e'), 'tool'))
    expect(await findProgram(path, '')).toBe(path)
    expect(await findProgram(`${path}-not`, '')).toBeUndefined()
  })
})
