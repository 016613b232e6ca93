import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIB, failure, site, type Site } from './helper.ts'

let at: Site
beforeAll(async () => {
  at = await site()
})
afterAll(() => at.close())

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
let nonce = 0
/** A claim record: a commit of the empty tree, never the same twice. */
async function record(parents: string[] = [], login: 'ada' | 'bob' = 'ada'): Promise<string> {
  nonce += 1
  const { data } = await at.as(login).rest.git.createCommit({
    ...LIB,
    message: JSON.stringify({ nonce, state: 'held' }),
    tree: EMPTY_TREE,
    parents,
  })
  return data.sha
}
const main = async () =>
  (await at.as('ada').rest.git.getRef({ ...LIB, ref: 'heads/main' })).data.object.sha

describe('refs over REST', () => {
  it('creates a custom ref once, reads, lists, moves it fast-forward only, and deletes it', async () => {
    const { rest } = at.as('ada')
    const first = await record()
    const ref = 'refs/bzzz/claims/12'
    const made = await rest.git.createRef({ ...LIB, ref, sha: first })
    expect(made.status).toBe(201)
    expect(made.data).toMatchObject({ ref, object: { type: 'commit', sha: first } })
    expect(await failure(rest.git.createRef({ ...LIB, ref, sha: await record() }))).toMatchObject({
      status: 422,
      message: 'Reference already exists',
    })
    const next = await record([first])
    const moved = await rest.git.updateRef({
      ...LIB,
      ref: 'bzzz/claims/12',
      sha: next,
      force: false,
    })
    expect(moved.data.object.sha).toBe(next)
    const stray = await record()
    expect(
      await failure(rest.git.updateRef({ ...LIB, ref: 'bzzz/claims/12', sha: stray })),
    ).toMatchObject({ status: 422, message: 'Update is not a fast forward' })
    expect(
      (await rest.git.updateRef({ ...LIB, ref: 'bzzz/claims/12', sha: stray, force: true })).data
        .object.sha,
    ).toBe(stray)
    await rest.git.createRef({ ...LIB, ref: 'refs/bzzz/claims/120', sha: first })
    const listed = await rest.git.listMatchingRefs({ ...LIB, ref: 'bzzz/claims/12' })
    expect(listed.data.map((each) => each.ref)).toEqual([ref, 'refs/bzzz/claims/120'])
    expect((await rest.git.deleteRef({ ...LIB, ref: 'bzzz/claims/12' })).status).toBe(204)
    expect((await failure(rest.git.getRef({ ...LIB, ref: 'bzzz/claims/12' }))).status).toBe(404)
    expect(await failure(rest.git.deleteRef({ ...LIB, ref: 'bzzz/claims/12' }))).toMatchObject({
      status: 422,
      message: 'Reference does not exist',
    })
  })

  it('refuses bad names, unknown objects, the default branch and refs of the server', async () => {
    const { rest } = at.as('ada')
    const sha = await main()
    for (const ref of ['heads/x', 'refs/x', 'refs/heads/a..b', 'refs/heads/', 'refs/pull/1/head'])
      expect((await failure(rest.git.createRef({ ...LIB, ref, sha }))).status).toBe(422)
    expect(
      (await failure(rest.git.createRef({ ...LIB, ref: 'refs/heads/x', sha: 'f'.repeat(40) })))
        .message,
    ).toBe('Object does not exist')
    expect(
      (await failure(rest.git.createRef({ ...LIB, ref: 'refs/heads/x', sha: 'short' }))).status,
    ).toBe(422)
    expect((await failure(rest.git.deleteRef({ ...LIB, ref: 'heads/main' }))).status).toBe(422)
    expect(
      (await failure(at.as('tia').rest.git.createRef({ ...LIB, ref: 'refs/heads/x', sha }))).status,
    ).toBe(403)
    expect(
      (await failure(at.anonymous.rest.git.createRef({ ...LIB, ref: 'refs/heads/x', sha }))).status,
    ).toBe(401)
  })

  it('lets exactly one of 20 concurrent creations win', async () => {
    const shas = await Promise.all(Array.from({ length: 20 }, () => record()))
    const results = await Promise.allSettled(
      shas.map((sha) =>
        at.as('ada').rest.git.createRef({ ...LIB, ref: 'refs/bzzz/claims/race', sha }),
      ),
    )
    const won = results.flatMap((result, index) =>
      result.status === 'fulfilled' ? [shas[index]] : [],
    )
    expect(won.length).toBe(1)
    const held = await at.as('bob').rest.git.getRef({ ...LIB, ref: 'bzzz/claims/race' })
    expect(held.data.object.sha).toBe(won[0])
    for (const result of results) {
      if (result.status === 'rejected')
        expect(await failure(Promise.reject(result.reason as Error))).toMatchObject({
          status: 422,
          message: 'Reference already exists',
        })
    }
  })

  it('lets exactly one of 10 concurrent moves from one tip win', async () => {
    const tip = await record()
    await at.as('ada').rest.git.createRef({ ...LIB, ref: 'refs/bzzz/claims/moves', sha: tip })
    const shas = await Promise.all(Array.from({ length: 10 }, () => record([tip])))
    const results = await Promise.allSettled(
      shas.map((sha) => at.as('ada').rest.git.updateRef({ ...LIB, ref: 'bzzz/claims/moves', sha })),
    )
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1)
  })
})

describe('objects and contents', () => {
  it('writes blobs, trees and commits that git agrees with', async () => {
    const { rest } = at.as('ada')
    const parent = await main()
    const base = (await rest.git.getCommit({ ...LIB, commit_sha: parent })).data.tree.sha
    const blob = await rest.git.createBlob({
      ...LIB,
      content: Buffer.from([0, 255, 1]).toString('base64'),
      encoding: 'base64',
    })
    const tree = await rest.git.createTree({
      ...LIB,
      base_tree: base,
      tree: [
        { path: 'bin/data', mode: '100644', type: 'blob', sha: blob.data.sha },
        { path: 'src/new.ts', mode: '100644', content: 'export {}\n' },
        { path: 'README.md', mode: '100644', type: 'blob', sha: null },
      ],
    })
    const commit = await rest.git.createCommit({
      ...LIB,
      message: 'objects\n\nbody',
      tree: tree.data.sha,
      parents: [parent],
      author: { name: 'Ada <x>', email: 'ada@localhost', date: '2024-01-02T03:04:05Z' },
    })
    expect(commit.data).toMatchObject({
      message: 'objects\n\nbody',
      author: { name: 'Ada x', date: '2024-01-02T03:04:05Z' },
    })
    await rest.git.createRef({ ...LIB, ref: 'refs/heads/objects/one', sha: commit.data.sha })
    const listed = await rest.git.getTree({ ...LIB, tree_sha: tree.data.sha, recursive: '1' })
    expect(listed.data.tree.map(({ path }) => path)).toEqual([
      'bin',
      'bin/data',
      'src',
      'src/index.ts',
      'src/new.ts',
    ])
    expect((await rest.git.getBlob({ ...LIB, file_sha: blob.data.sha })).data.content).toBe('AP8B')
    const branch = await rest.repos.getBranch({ ...LIB, branch: 'objects/one' })
    expect(branch.data.commit.sha).toBe(commit.data.sha)
    const compared = await rest.repos.compareCommitsWithBasehead({
      ...LIB,
      basehead: 'main...objects/one',
    })
    expect(compared.data).toMatchObject({ status: 'ahead', ahead_by: 1, behind_by: 0 })
    expect(compared.data.files?.map(({ filename, status }) => `${status} ${filename}`)).toEqual([
      'removed README.md',
      'added bin/data',
      'added src/new.ts',
    ])
    const clone = await at.clone('ada')
    expect((await at.git(clone, 'fsck', '--strict')).exitCode).toBe(0)
  })

  it('refuses trees that lead out, unknown parents and a tree that is none', async () => {
    const { rest } = at.as('ada')
    const parent = await main()
    for (const path of ['../x', 'a/../b', '.git/config', '/abs'])
      expect(
        (
          await failure(
            rest.git.createTree({ ...LIB, tree: [{ path, mode: '100644', content: 'x' }] }),
          )
        ).status,
      ).toBe(422)
    expect(
      (await failure(rest.git.createCommit({ ...LIB, message: 'm', tree: parent, parents: [] })))
        .status,
    ).toBe(422)
    expect(
      (
        await failure(
          rest.git.createCommit({
            ...LIB,
            message: 'm',
            tree: EMPTY_TREE,
            parents: ['a'.repeat(40)],
          }),
        )
      ).status,
    ).toBe(422)
  })

  it('creates, reads, replaces and removes a file by path', async () => {
    const { rest } = at.as('ada')
    const file = { ...LIB, path: 'docs/a b.md' }
    const content = (text: string) => Buffer.from(text).toString('base64')
    const made = await rest.repos.createOrUpdateFileContents({
      ...file,
      message: 'add',
      content: content('one'),
    })
    expect(made.status).toBe(201)
    const read = await rest.repos.getContent(file)
    const { sha, content: encoded } = read.data as { sha: string; content: string }
    expect(Buffer.from(encoded, 'base64').toString()).toBe('one')
    expect(
      (
        await failure(
          rest.repos.createOrUpdateFileContents({ ...file, message: 'm', content: content('x') }),
        )
      ).status,
    ).toBe(422)
    expect(
      (
        await failure(
          rest.repos.createOrUpdateFileContents({
            ...file,
            message: 'm',
            content: content('x'),
            sha: 'a'.repeat(40),
          }),
        )
      ).status,
    ).toBe(409)
    const replaced = await rest.repos.createOrUpdateFileContents({
      ...file,
      message: 'm',
      content: content('two'),
      sha,
    })
    expect(replaced.status).toBe(200)
    await rest.repos.deleteFile({ ...file, message: 'gone', sha: replaced.data.content?.sha ?? '' })
    expect((await failure(rest.repos.getContent(file))).status).toBe(404)
    const root = await rest.repos.getContent({ ...LIB, path: '' })
    expect(
      (root.data as { name: string; type: string }[]).map(({ name, type }) => `${type} ${name}`),
    ).toEqual(['file README.md', 'dir src'])
    expect((await rest.repos.getReadme(LIB)).data.name).toBe('README.md')
    const commits = await rest.repos.listCommits({ ...LIB, path: file.path })
    expect(commits.data.map(({ commit }) => commit.message)).toEqual(['gone', 'm', 'add'])
    expect(commits.data[0]?.author?.login).toBe('ada')
    const one = await rest.repos.getCommit({ ...LIB, ref: commits.data[1]?.sha ?? '' })
    expect(one.data.files?.[0]).toMatchObject({ filename: file.path, additions: 1, deletions: 1 })
  })

  it('says 409 or 404 for an empty repository, and takes its first commit', async () => {
    await at.server.createRepository({ owner: 'octo', name: 'empty' })
    const empty = { owner: 'octo', repo: 'empty' }
    const { rest } = at.as('ada')
    expect((await rest.repos.listBranches(empty)).data).toEqual([])
    expect((await failure(rest.git.getRef({ ...empty, ref: 'heads/main' }))).status).toBe(409)
    expect((await failure(rest.repos.listCommits(empty))).message).toBe('Git Repository is empty.')
    expect((await failure(rest.repos.getContent({ ...empty, path: '' }))).message).toBe(
      'This repository is empty.',
    )
    const clone = await at.clone('ada', 'octo/empty')
    await mkdir(join(clone, 'a'))
    await writeFile(join(clone, 'a', 'b.txt'), 'b\n')
    await at.git(clone, 'add', '.')
    await at.git(clone, 'commit', '-q', '-m', 'first')
    const pushed = await at.git(clone, 'push', 'origin', 'HEAD:refs/heads/main')
    expect(pushed.exitCode, pushed.tail).toBe(0)
    expect((await rest.repos.getContent({ ...empty, path: 'a/b.txt' })).status).toBe(200)
  })
})
