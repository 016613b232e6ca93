import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { carries } from '../../../src/process/proc-fs.ts'
import { processTable, type ProcessRecord } from '../../../src/process/table.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'bzzz-table-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const owner = '0123456789abcdef'
const record: ProcessRecord = {
  id: `${owner}.1`,
  pid: 4711,
  start: '12345',
  boot: 'b',
  owner: { id: owner, pid: 42, start: '1' },
  purpose: 'check test of octo/lib#12',
  startedAt: 1,
}

describe('processTable', () => {
  it('gives back what was written, private to the user, until it is removed', () => {
    const table = processTable(home)
    table.write(record)
    expect(table.read()).toEqual({ records: [record], dropped: 0 })
    expect(statSync(join(home, 'processes', `${record.id}.json`)).mode & 0o077).toBe(0)
    table.remove(record.id)
    table.remove(record.id)
    expect(table.read().records).toEqual([])
    expect(readdirSync(join(home, 'processes'))).toEqual([])
  })

  it('drops what is torn, oversized, ill-typed or under another name, and keeps the rest', () => {
    const table = processTable(home)
    const folder = join(home, 'processes')
    mkdirSync(folder, { recursive: true })
    table.write(record)
    writeFileSync(join(folder, 'torn.json'), '{"id":')
    writeFileSync(join(folder, 'big.json'), ' '.repeat(17 * 1024))
    writeFileSync(join(folder, 'init.json'), JSON.stringify({ ...record, pid: 1 }))
    writeFileSync(join(folder, 'other.json'), JSON.stringify(record))
    writeFileSync(join(folder, 'half.json.tmp'), '{')
    expect(table.read()).toEqual({ records: [record], dropped: 4 })
    expect(readdirSync(folder)).toEqual([`${record.id}.json`])
  })
})

describe('carries', () => {
  it('matches a run or an owner at any depth, never a part of one', () => {
    const mark = `/aaaa.1/${owner}.12`
    expect(carries(mark, `${owner}.12`)).toBe(true)
    expect(carries(mark, `${owner}.1`)).toBe(false)
    expect(carries(mark, `${owner}.`)).toBe(true)
    expect(carries(mark, 'aaaa.1')).toBe(true)
    expect(carries(mark, 'aaa.')).toBe(false)
    expect(carries('', `${owner}.`)).toBe(false)
  })
})
