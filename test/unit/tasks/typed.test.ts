import { expect, it } from 'vitest'
import { typedCall } from '../../../src/tasks/index.ts'

const call = {
  repo: 'octo/lib',
  gh: ['issue', 'edit', '7', '--remove-assignee', 'bee[bot]'],
  method: 'DELETE',
  path: 'issues/7/assignees',
  body: { assignees: ['bee[bot]'] },
} as const

it.each([
  ['https://api.github.com', `gh issue edit 7 --remove-assignee 'bee[bot]' --repo octo/lib`],
  [
    'https://git.example.com/api/v3/',
    `gh issue edit 7 --remove-assignee 'bee[bot]' --repo git.example.com/octo/lib`,
  ],
  [
    'http://127.0.0.1:80/api/v3/',
    `curl -X DELETE -H "Authorization: Bearer TOKEN" http://127.0.0.1:80/api/v3/repos/octo/lib/issues/7/assignees -d '{"assignees":["bee[bot]"]}'`,
  ],
])('what is typed goes to %s', (apiUrl, text) => {
  expect(typedCall({ ...call, apiUrl })).toBe(text)
})
