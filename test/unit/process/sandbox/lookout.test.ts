import { beforeEach, describe, expect, it } from 'vitest'
import { createLookout, type Lookout } from '../../../../src/process/sandbox/use/lookout.ts'
import type { Room } from '../../../../src/process/sandbox/use/usage.ts'

const FILES = 10_000_000
const place = {
  id: 1,
  pid: 10,
  at: '/work',
  credit: 100,
  stop: { signal: 'SIGSTOP', alone: false },
} as const

describe('the lookout', () => {
  let room: Room | undefined
  let written: Map<number, number>
  let stopped: number[]
  let lookout: Lookout
  beforeEach(() => {
    room = { freeBytes: 1_000, freeFiles: FILES }
    written = new Map()
    stopped = []
    lookout = createLookout({
      roomOf: () => room,
      writtenBy: (pid) => written.get(pid),
      stop: ({ id }) => stopped.push(id),
      onStopped: (id) => expect(stopped).toContain(id),
    })
    lookout.add(place)
  })
  const write = (pid: number, bytes: number) => written.set(pid, (written.get(pid) ?? 0) + bytes)
  const free = (bytes: number, files = FILES) => {
    room = { freeBytes: bytes, freeFiles: files }
  }

  it('stops a child whose processes have written its credit, once', () => {
    lookout.know(1, [10, 11])
    write(10, 60)
    lookout.look()
    write(11, 39)
    lookout.look()
    expect(stopped).toEqual([])
    write(11, 1)
    lookout.look()
    write(11, 500)
    lookout.look()
    expect(stopped).toEqual([1])
  })

  it('begins again with another credit, without what was written while it stood still', () => {
    write(10, 100)
    lookout.look()
    write(10, 50)
    lookout.arm(1, 30)
    lookout.look()
    write(10, 29)
    lookout.look()
    expect(stopped).toEqual([1])
    write(10, 1)
    lookout.look()
    expect(stopped).toEqual([1, 1])
  })

  it('stops a child that nobody can look into when free space shrinks, also if others free some', () => {
    free(940)
    lookout.look()
    free(2_000)
    lookout.look()
    expect(stopped).toEqual([])
    free(1_960)
    lookout.look()
    expect(stopped).toEqual([1])
  })

  it('stops a child that makes files without an end', () => {
    free(1_000, FILES - 249_999)
    lookout.look()
    expect(stopped).toEqual([])
    free(1_000, FILES - 250_000)
    lookout.look()
    expect(stopped).toEqual([1])
  })

  it('says of a child that has ended whether it must be counted, and forgets it', () => {
    write(10, 99)
    expect(lookout.remove(1)).toBe(false)
    expect(lookout.remove(1)).toBe(false)
    lookout.add(place)
    free(900)
    expect(lookout.remove(1)).toBe(true)
    lookout.look()
    expect(stopped).toEqual([])
  })

  it('sees nothing where nothing can be seen', () => {
    room = undefined
    lookout.add({ ...place, id: 2 })
    lookout.look()
    expect(stopped).toEqual([])
  })
})
