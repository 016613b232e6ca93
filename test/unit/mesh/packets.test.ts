import { expect, test } from 'vitest'
import type { Answer } from 'dns-packet'
import {
  answer,
  isQuestion,
  question,
  readAnswer,
  serviceTag,
} from '../../../src/mesh/discovery/packets.ts'
import { ALICE, BOB } from './samples.ts'

const tag = serviceTag('demo')
const address = `/ip4/127.0.0.1/tcp/4001/p2p/${ALICE}`
const answers = answer(tag, { peerId: ALICE, addresses: [address] })

test('the tag differs per mesh and is a valid service name', () => {
  expect(serviceTag('demo')).toBe(tag)
  expect(serviceTag('other')).not.toBe(tag)
  expect(tag).toMatch(/^_[a-z0-9-]{1,63}\._udp\.local$/)
})

test('what is answered is read', () => {
  expect(readAnswer({ answers }, tag)).toEqual({ peerId: ALICE, addresses: [address] })
  const asBuffers = answers.map((at): Answer =>
    at.type === 'TXT' ? { ...at, data: [Buffer.from(String(at.data))] } : at,
  )
  expect(readAnswer({ answers: asBuffers }, tag)).toEqual({ peerId: ALICE, addresses: [address] })
  const [ptr, ...txt] = answers
  expect(readAnswer({ answers: [ptr!], additionals: txt }, tag)).toBeDefined()
})

test('another mesh, another peer, no address, two names: not read', () => {
  expect(readAnswer({ answers }, serviceTag('other'))).toBeUndefined()
  expect(readAnswer({ answers: answers.slice(0, 1) }, tag)).toBeUndefined()
  expect(readAnswer({}, tag)).toBeUndefined()
  const lying = answer(tag, { peerId: BOB, addresses: [address] })
  expect(readAnswer({ answers: lying }, tag)).toBeUndefined()
  expect(readAnswer({ answers: [...answers, ...lying] }, tag)).toBeUndefined()
  const relayed = `/ip4/127.0.0.1/tcp/4001/p2p/${BOB}/p2p-circuit/p2p/${ALICE}`
  expect(readAnswer({ answers: answer(tag, { peerId: ALICE, addresses: [relayed] }) }, tag)).toBe(
    undefined,
  )
  const odd = answer(tag, { peerId: '../../x', addresses: [address] })
  expect(readAnswer({ answers: odd }, tag)).toBeUndefined()
})

test('long and many records are cut off', () => {
  const long = `/dns4/${'x'.repeat(250)}/tcp/1/p2p/${ALICE}`
  expect(answer(tag, { peerId: ALICE, addresses: [long] })).toHaveLength(1)
  const many = Array.from({ length: 200 }, (_, n) => `/ip4/127.0.0.1/tcp/${n + 1}/p2p/${ALICE}`)
  expect(answer(tag, { peerId: ALICE, addresses: many })).toHaveLength(17)
  const name = `${ALICE}.${tag}`
  const flood: Answer[] = many.map((text) => ({ name, type: 'TXT', data: `dnsaddr=${text}` }))
  expect(readAnswer({ answers: [answers[0]!, ...flood] }, tag)?.addresses).toHaveLength(16)
})

test('questions', () => {
  expect(isQuestion({ questions: question(tag) }, tag)).toBe(true)
  expect(isQuestion({ questions: question(serviceTag('other')) }, tag)).toBe(false)
  expect(isQuestion({}, tag)).toBe(false)
})
