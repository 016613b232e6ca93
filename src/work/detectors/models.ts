/**
 * Models of a local Ollama. Absent is the normal case and says nothing. What answers on that port
 * may be anything: its answer is limited in time and size, and decoded.
 * Source: GET /api/tags, github.com/ollama/ollama docs/api.md.
 */
import { z } from 'zod'
import { decodeJson, withDeadline } from '../../util/index.ts'
import type { Detector } from './detector.ts'

const TIMEOUT_MS = 500
const MAX_BYTES = 1024 * 1024
const MAX_MODELS = 200

const tags = z.object({
  models: z.array(z.object({ name: z.string().min(1).max(200) })).max(MAX_MODELS),
})

export const ollamaDetector: Detector = {
  name: 'ollama',
  detect: async ({ ollamaUrl }, signal) => {
    const text = await withDeadline(
      'ask ollama',
      TIMEOUT_MS,
      async (inner) => {
        const url = new URL('/api/tags', ollamaUrl)
        const response = await fetch(url, { signal: inner, redirect: 'error' })
        if (!response.ok || response.body === null) {
          await response.body?.cancel()
          return undefined
        }
        return readAtMost(response.body, MAX_BYTES)
      },
      { signal },
    )
    if (text === undefined) return {}
    const { models } = decodeJson(text, { what: 'ollama tags', schema: tags, maxBytes: MAX_BYTES })
    return { models: models.map((model) => model.name) }
  },
}

async function readAtMost(body: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.byteLength
    // One more than allowed is kept, so that decoding refuses it.
    chunks.push(chunk)
    if (bytes > limit) break
  }
  return Buffer.concat(chunks)
}
