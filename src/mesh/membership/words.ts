/**
 * Six words that two people compare: the machine that asks to join shows them, and so does the one
 * that is to approve. They stand for 66 bits of a slow hash of (mesh, peer).
 *
 * Slow, because a liar between the two could look for a mesh of its own and a peer of its own that
 * give equal words: with SHA-256 that takes 2^40 hashes and 2^26 keys, which is minutes. With scrypt
 * at 32 MiB each, and both searches needing it, it is years of many machines.
 */
import { scrypt } from 'node:crypto'
import { wordlist } from '@scure/bip39/wordlists/english.js'

const WORDS = 6
/** 32 MiB and about 0.1 s. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }

/** Six words of the BIP-39 English list, separated by spaces. Takes about 0.1 s, beside the event loop. */
export function wordsOf(meshId: string, peerId: string): Promise<string> {
  return new Promise((resolve, reject) => {
    scrypt(`${meshId} ${peerId}`, 'bzzz words', 16, COST, (error, hash) => {
      if (error !== null) {
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
