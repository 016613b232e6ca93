import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { confinedFiles, MAX_FILE_BYTES } from '../../../src/work/confined.ts'

describe('confinedFiles', () => {
  let dir: string
  let root: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bzzz-confined-'))
    root = join(dir, 'root')
    mkdirSync(join(root, '.git'), { recursive: true })
    mkdirSync(join(root, 'real'))
    writeFileSync(join(root, 'a.txt'), 'a\n')
    writeFileSync(join(dir, 'secret'), 's')
    symlinkSync(dir, join(root, 'up'))
    symlinkSync('/nowhere', join(root, 'dangling'))
    symlinkSync('real', join(root, 'link'))
    symlinkSync(join(dir, 'secret'), join(root, 'file-link'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  it('reads and writes within, links within included', async () => {
    const files = await confinedFiles(root)
    expect(await files.read(join(root, 'a.txt'))).toBe('a\n')
    expect(await files.read('a.txt')).toBe('a\n')
    expect(await files.write('new/deep/b.txt', 'b')).toBe('new/deep/b.txt')
    expect(await files.write(join(root, 'link', 'c.txt'), 'c')).toBe('real/c.txt')
    await files.write('a.txt', '')
    expect(readFileSync(join(root, 'a.txt'), 'utf8')).toBe('')
  })

  it.each([
    '/etc/passwd',
    '../secret',
    'up/secret',
    'up/new',
    'dangling',
    'dangling/x',
    'file-link',
    '.git/config',
    'sub/.GIT/x',
    'a\0b',
  ])('refuses %j', async (path) => {
    const files = await confinedFiles(root)
    await expect(files.write(path, 'x')).rejects.toMatchObject({ code: 'PROTECTED_PATH' })
    await expect(files.read(path)).rejects.toMatchObject({ code: 'PROTECTED_PATH' })
    expect(await files.contains(path)).toBe(false)
    expect(readFileSync(join(dir, 'secret'), 'utf8')).toBe('s')
    expect(existsSync(join(dir, 'new'))).toBe(false)
  })

  it('refuses what is no plain file, and what is too large', async () => {
    const files = await confinedFiles(root)
    execFileSync('mkfifo', [join(root, 'pipe')])
    await expect(files.read('pipe')).rejects.toThrow(/plain file/)
    await expect(files.write('.', 'x')).rejects.toThrow(/directory/)
    await expect(files.write('big', 'x'.repeat(MAX_FILE_BYTES + 1))).rejects.toThrow(/larger/)
    writeFileSync(join(root, 'big'), Buffer.alloc(MAX_FILE_BYTES + 1))
    await expect(files.read('big')).rejects.toThrow(/larger/)
  })
})
