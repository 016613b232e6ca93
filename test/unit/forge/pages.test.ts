import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { markdown } from '../../../src/forge/pages/markdown.ts'
import { LIB, commitFile, site, type Site } from './helper.ts'

const EVIL = '<script>alert(1)</script>'
let at: Site
let issue: { html_url: string; number: number }
let pull: { html_url: string; number: number; diff_url: string; head: { sha: string } }

beforeAll(async () => {
  at = await site()
  const { rest } = at.as('ada')
  const body = `${EVIL}\n\n<img src=x onerror=alert(1)> [x](javascript:alert(1)) <!-- unseen -->`
  issue = (
    await rest.issues.create({
      ...LIB,
      title: `evil ${EVIL}`,
      body,
      labels: [`l${EVIL}`],
      assignees: ['bob'],
    })
  ).data
  await rest.issues.createComment({ ...LIB, issue_number: issue.number, body: `said ${EVIL}` })
  await commitFile(at.as('ada'), 'topic/one', 'src/evil.html', `${EVIL}\n`)
  await at.as('ada').rest.repos.createOrUpdateFileContents({
    ...LIB,
    branch: 'topic/one',
    path: 'src/"<b>.txt',
    message: `message ${EVIL}`,
    content: Buffer.from('x\n').toString('base64'),
  })
  pull = (
    await rest.pulls.create({
      ...LIB,
      title: `pull ${EVIL}`,
      head: 'topic/one',
      base: 'main',
      body: `Closes #${issue.number} ${EVIL}`,
    })
  ).data
  await rest.checks.create({
    ...LIB,
    name: `check ${EVIL}`,
    head_sha: pull.head.sha,
    conclusion: 'success',
  })
})
afterAll(() => at.close())

async function page(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const answer = await fetch(url.startsWith('http') ? url : `${at.server.url}${url}`, {
    headers: { accept: 'text/html', ...headers },
  })
  const text = await answer.text()
  expect(answer.headers.get('content-security-policy')).toContain(
    "default-src 'none'; style-src 'self'",
  )
  if ((answer.headers.get('content-type') ?? '').startsWith('text/html')) {
    expect(text).not.toContain('<script')
    expect(text).not.toContain('<img')
    expect(text).not.toContain('javascript:alert(1)">')
    expect(text).not.toMatch(/<[^>]+ style=/)
  }
  return { status: answer.status, text }
}

describe('pages', () => {
  it('lists repositories, issues and pull requests', async () => {
    expect((await page('/')).text).toContain('octo/lib')
    const list = await page('/octo/lib/issues')
    expect(list.text).toContain('evil &lt;script&gt;alert(1)&lt;/script&gt;')
    expect(list.text).toContain('assigned to bob')
    expect((await page('/octo/lib/pulls')).text).toContain(`/octo/lib/pull/${pull.number}`)
    expect((await page('/octo/lib/issues?state=closed')).text).toContain('None is closed.')
  })

  it('shows an issue with its talk, labels, people and pull request, all of it escaped', async () => {
    const { status, text } = await page(issue.html_url)
    expect(status).toBe(200)
    for (const part of [
      'evil &lt;script&gt;',
      'said &lt;script&gt;',
      'l&lt;script&gt;',
      '&lt;img src=x',
      `<h1><bdi>evil &lt;script&gt;`,
      `/octo/lib/pull/${pull.number}`,
      'assigned <b>bob</b>',
    ])
      expect(text).toContain(part)
    expect(text).not.toContain('unseen')
  })

  it('shows a pull request with commits, checks, what it closes and its diff', async () => {
    const { status, text } = await page(pull.html_url)
    expect(status).toBe(200)
    for (const part of [
      'pull &lt;script&gt;',
      'message &lt;script&gt;',
      'check &lt;script&gt;',
      `/octo/lib/issues/${issue.number}`,
      '+&lt;script&gt;alert(1)&lt;/script&gt;',
      '<tr class="add">',
    ])
      expect(text).toContain(part)
    const diff = await fetch(pull.diff_url)
    expect(diff.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(await diff.text()).toContain('+++ b/src/evil.html')
  })

  it('shows trees and blobs of a branch with a slash, commits, and raw files as plain text', async () => {
    expect((await page('/octo/lib')).text).toContain('A *small* library.')
    expect((await page('/octo/lib/tree/topic/one/src')).text).toContain('evil.html')
    expect((await page('/octo/lib/blob/topic/one/src/evil.html')).text).toContain('&lt;script&gt;')
    expect((await page(`/octo/lib/commit/${pull.head.sha}`)).text).toContain(
      'message &lt;script&gt;',
    )
    expect((await page('/octo/lib/commits/topic/one')).text).toContain('write src/evil.html')
    const raw = await fetch(`${at.server.url}/octo/lib/raw/topic/one/src/evil.html`)
    expect(raw.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(raw.headers.get('x-content-type-options')).toBe('nosniff')
    const style = await fetch(`${at.server.url}/-/style.css`)
    expect(style.headers.get('content-type')).toMatch(/^text\/css/)
  })

  it('says 404 for what is not there or private, and lets a token in', async () => {
    await at.server.createRepository({ owner: 'octo', name: 'hidden', private: true })
    expect((await page('/octo/none')).status).toBe(404)
    expect((await page('/octo/lib/issues/999')).status).toBe(404)
    expect((await page('/octo/hidden')).status).toBe(404)
    expect((await page('/')).text).not.toContain('octo/hidden')
    const authorization = `Basic ${Buffer.from('ada:token-ada').toString('base64')}`
    const open = await page('/octo/hidden', { authorization })
    expect(open.status).toBe(200)
    expect(open.text).toContain('This repository is empty')
    expect((await fetch(`${at.server.url}/-/login`)).headers.get('www-authenticate')).toContain(
      'Basic',
    )
  })
})

describe('markdown', () => {
  const render = (text: string) => String(markdown(text, 'http://h/o/r'))

  it('knows headings, lists, code, quotes, bold and links', () => {
    const out = render(
      '# One\n\n- a `x<y`\n- [x] **done**\n\n1. first\n\n> said\n\n```js\n1 < 2\n```\n---\nsee #12 and [site](https://a.b/c?d=1&e=2) https://f.g',
    )
    for (const part of [
      '<h1>One</h1>',
      '<ul><li>a <code>x&lt;y</code></li><li>☑ <b>done</b></li></ul>',
      '<ol><li>first</li></ol>',
      '<blockquote><p>said</p></blockquote>',
      '<pre><code>1 &lt; 2</code></pre>',
      '<hr>',
      '<a href="http://h/o/r/issues/12">#12</a>',
      '<a href="https://a.b/c?d=1&amp;e=2" rel="nofollow noreferrer">site</a>',
      '<a href="https://f.g" rel="nofollow noreferrer">https://f.g</a>',
    ])
      expect(out).toContain(part)
  })

  it('takes backslashes away as github.com does, and keeps them in code', () => {
    expect(render('a\\^b \\*\\*not bold\\*\\* \\#12 \\<i\\> c:\\dir `\\^`\\\nnext')).toContain(
      '<p>a^b **not bold** #12 &lt;i&gt; c:\\dir <code>\\^</code>\nnext</p>',
    )
    expect(render('**a\\_b** [c\\_d](https://e.f)')).toContain('<b>a_b</b> <a href="https://e.f"')
    expect(render('\\- no item\n\n\\# no heading')).toContain(
      '<p>- no item</p>\n<p># no heading</p>',
    )
  })

  it('draws tables', () => {
    const text = 'before\n| check | time |\n|:--|--:|\n| `a\\|b` | **3** |\n| <i> |\n\nafter | not'
    expect(render(text)).toContain(
      [
        '<p>before</p>',
        '<div class="scroll"><table><thead><tr><th>check</th><th class="right">time</th></tr></thead><tbody><tr><td><code>a|b</code></td><td class="right"><b>3</b></td></tr><tr><td>&lt;i&gt;</td><td class="right"></td></tr></tbody></table></div>',
        '<p>after | not</p>',
      ].join('\n'),
    )
    for (const none of [
      'a | b\n---',
      'a\n--|--',
      '|a|\n|b|',
      `${'a|'.repeat(99)}\n${'-|'.repeat(99)}`,
    ])
      expect(render(none)).not.toContain('<table>')
  })

  it('lets no tag, attribute or other scheme through', () => {
    for (const text of [
      '<b>x</b>',
      '[x](javascript:alert(1))',
      '`</code><script>`',
      '# <i>',
      '- <u>',
      '```\n</pre><s>\n```',
      '[a](https://x"onclick="y)',
      'https://x"onmouseover="y',
    ])
      expect(
        render(text).replaceAll(
          /<\/?(div class="md"|div|p|a href="https:\/\/[^"<>]*" rel="nofollow noreferrer"|a|code|pre|ul|li|h1)>/g,
          '',
        ),
      ).not.toMatch(/[<>"]/)
  })

  it('takes 100 kB of anything in a moment', () => {
    for (const piece of [
      '*',
      '`',
      '[',
      '#',
      '> ',
      '- ',
      '<!--',
      '**a',
      '[a](',
      '\n',
      '\\',
      '|',
      'a|\n-|\n',
      '|-',
      '|-\n',
    ])
      expect(render(piece.repeat(100_000 / piece.length)).length).toBeGreaterThan(0)
  }, 5_000)
})
