/**
 * Six words that two people compare: the machine that asks to join shows them, and so does the one
 * that is to approve. They stand for 66 bits of a slow hash of (mesh, peer).
 *
 * Slow, because a liar between the two could look for a mesh of its own and a peer of its own that
 * give equal words: with SHA-256 that takes 2^40 hashes and 2^26 keys, which is minutes. With scrypt
 * at 16 MiB each, which both searches need, it is weeks to years of many machines.
 */
import { scrypt } from 'node:crypto'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { RecentMap } from '../../util/index.ts'

const WORDS = 6
/** 16 MiB and some hundredths of a second. */
const COST = { N: 2 ** 14, r: 8, p: 1, maxmem: 32 * 1024 * 1024 }
/** Those who ask do so every few seconds. */
const MAX_CACHED = 64
const cached = new RecentMap<string, Promise<string>>(MAX_CACHED)

/** Six words of the BIP-39 English list, separated by spaces. Computed beside the event loop. */
export function wordsOf(meshId: string, peerId: string): Promise<string> {
  const key = `${meshId} ${peerId}`
  const words = cached.get(key) ?? compute(key)
  cached.set(key, words)
  return words
}

function compute(key: string): Promise<string> {
  return new Promise((resolve, reject) => {
    scrypt(key, 'bzzz words', 16, COST, (error, hash) => {
      if (error !== null) {
        cached.delete(key)
        reject(error)
        return
      }
      const bits = BigInt(`0x${hash.toString('hex')}`)
      const words = Array.from({ length: WORDS }, (_, at) => {
        const place = Number((bits >> BigInt(128 - 11 * (at + 1))) & 0x7ffn)
        return wordlist[place] ?? ''
      })
      resolve(words.join(' '))
    })
  })
}

/** As people type them: any case, any space or hyphen between. */
export function sameWords(typed: string, words: string): boolean {
  return (
    typed
      .trim()
      .toLowerCase()
      .split(/[\s-]+/)
      .join(' ') === words
  )
}
