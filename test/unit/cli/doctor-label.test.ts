import { expect, it } from 'vitest'
import { labelAdvice } from '../../../src/cli/commands/doctor/github.ts'

const repo = 'octo/lib'

it.each([
  ['https://api.github.com', 'Type: gh label create bzzz --repo octo/lib'],
  ['https://ghe.example/api/v3', 'Type: gh label create bzzz --repo ghe.example/octo/lib'],
  ['https://api.octo.ghe.com', 'Type: gh label create bzzz --repo octo.ghe.com/octo/lib'],
])('the label is made at %s with gh', (apiUrl, text) => {
  expect(labelAdvice({ apiUrl, repo, trigger: 'bzzz' })).toBe(text)
})

it('the label is made at a server of this machine without gh, whatever its name', () => {
  const advice = labelAdvice({ apiUrl: 'http://127.0.0.1:4000/api/v3', repo, trigger: `it's me` })
  expect(advice).toContain(
    `http://127.0.0.1:4000/api/v3/repos/octo/lib/labels -d '{"name":"it'\\''s me"}'`,
  )
  expect(advice).not.toContain('gh label')
})
