/** Refs are the compare-and-swap of the claim protocol: over REST, GraphQL and git. */
import assert from 'node:assert/strict'
import { ZERO, commitOn, group, mainTip, refused, unique, type ProbeSite } from './site.ts'

const at = ({ owner, repo }: ProbeSite) => ({ owner, repo })
const create = async (site: ProbeSite, ref: string, sha: string) =>
  (await site.octokit.rest.git.createRef({ ...at(site), ref, sha })).data
const tip = async (site: ProbeSite, ref: string) =>
  (await site.octokit.rest.git.getRef({ ...at(site), ref })).data.object.sha

export const refProbes = group('refs', {
  'a new ref is made with 201': async (site) => {
    const [name, sha] = [unique('new'), await mainTip(site)]
    const { ref, object } = await create(site, `refs/heads/${name}`, sha)
    assert.deepEqual([ref, object.sha, object.type], [`refs/heads/${name}`, sha, 'commit'])
    assert.equal(await tip(site, `heads/${name}`), sha)
  },
  'one that exists is refused with 422, by its name and not its value': async (site) => {
    const [name, sha] = [`refs/heads/${unique('twice')}`, await mainTip(site)]
    await create(site, name, sha)
    for (const value of [sha, await commitOn(site, sha)]) {
      const { data } = await refused(create(site, name, value), 422)
      assert.match(data.message ?? '', /Reference already exists/)
    }
  },
  'of many that make the same ref, one wins': async (site) => {
    const [name, sha] = [`refs/heads/${unique('race')}`, await mainTip(site)]
    const made = await Promise.allSettled(Array.from({ length: 8 }, () => create(site, name, sha)))
    assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1)
  },
  'an object that does not exist is refused with 422': async (site) => {
    await refused(create(site, `refs/heads/${unique('no')}`, '1'.repeat(40)), 422)
  },
  'a name that is none is refused with 422': async (site) => {
    const sha = await mainTip(site)
    for (const name of ['heads/x', 'refs/heads/a..b', 'refs/heads/x.lock', 'refs/heads/a b'])
      await refused(create(site, name, sha), 422)
  },
  'a namespace of one’s own is accepted': async (site) => {
    const [name, sha] = [`bzzz/claims/${unique('1')}`, await mainTip(site)]
    await create(site, `refs/${name}`, sha)
    assert.equal(await tip(site, name), sha)
  },
  'a move to a descendant is done': async (site) => {
    const [name, sha] = [unique('forward'), await mainTip(site)]
    await create(site, `refs/heads/${name}`, sha)
    const child = await commitOn(site, sha)
    const ref = `heads/${name}`
    await site.octokit.rest.git.updateRef({ ...at(site), ref, sha: child, force: false })
    assert.equal(await tip(site, ref), child)
  },
  'a move to anything else is refused with 422 unless forced': async (site) => {
    const [name, base] = [unique('sideways'), await mainTip(site)]
    const [one, two] = [await commitOn(site, base), await commitOn(site, base)]
    await create(site, `refs/heads/${name}`, one)
    const move = { ...at(site), ref: `heads/${name}`, sha: two }
    await refused(site.octokit.rest.git.updateRef({ ...move, force: false }), 422)
    assert.equal(await tip(site, `heads/${name}`), one)
    await site.octokit.rest.git.updateRef({ ...move, force: true })
    assert.equal(await tip(site, `heads/${name}`), two)
  },
  'a move of a ref that is not there is refused with 422': async (site) => {
    const sha = await mainTip(site)
    await refused(
      site.octokit.rest.git.updateRef({ ...at(site), ref: `heads/${unique('none')}`, sha }),
      422,
    )
  },
  'a ref is deleted once, with 204 and then 422': async (site) => {
    const [name, sha] = [unique('gone'), await mainTip(site)]
    await create(site, `refs/heads/${name}`, sha)
    const remove = () => site.octokit.rest.git.deleteRef({ ...at(site), ref: `heads/${name}` })
    assert.equal((await remove()).status, 204)
    await refused(tip(site, `heads/${name}`), 404)
    await refused(remove(), 422)
  },
  'a ref is found by its whole name only': async (site) => {
    await refused(tip(site, 'heads/mai'), 404)
  },
  'refs are listed by the beginning of their names': async (site) => {
    const [prefix, sha] = [unique('list'), await mainTip(site)]
    for (const name of ['a/1', 'a/2', 'b/1'])
      await create(site, `refs/heads/${prefix}/${name}`, sha)
    const list = async (ref: string) =>
      (await site.octokit.rest.git.listMatchingRefs({ ...at(site), ref })).data.map(
        (each) => each.ref,
      )
    assert.deepEqual(await list(`heads/${prefix}/a`), [
      `refs/heads/${prefix}/a/1`,
      `refs/heads/${prefix}/a/2`,
    ])
    assert.deepEqual(await list(`heads/${unique('nothing')}`), [])
  },
  'a commit keeps its message, tree, parents and people': async (site) => {
    const { git } = site.octokit.rest
    const parent = await mainTip(site)
    const { data: base } = await git.getCommit({ ...at(site), commit_sha: parent })
    const author = { name: 'A', email: 'a@localhost', date: '2020-01-02T03:04:05Z' }
    const message = '{"v":1,\n"state":"held"}'
    const tree = base.tree.sha
    const made = await git.createCommit({ ...at(site), message, tree, parents: [parent], author })
    const { data } = await git.getCommit({ ...at(site), commit_sha: made.data.sha })
    assert.deepEqual(
      [data.message, data.tree.sha, data.parents.map(({ sha }) => sha), data.author],
      [message, tree, [parent], author],
    )
  },
})

const MUTATION = `mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }`
interface Update {
  name: string
  afterOid: string
  beforeOid?: string
}
async function update(site: ProbeSite, refUpdates: readonly Update[]): Promise<void> {
  const { data } = await site.octokit.rest.repos.get(at(site))
  await site.octokit.graphql(MUTATION, { input: { repositoryId: data.node_id, refUpdates } })
}

/** Refused by the mutation itself; a server without it says nothing about refs. */
const unmoved = (mutation: Promise<void>) =>
  assert.rejects(mutation, (error: Error) => {
    assert.equal(error.name, 'GraphqlResponseError', error.message)
    assert.match(error.message, /ref/i)
    return true
  })

export const updateRefsProbes = group('updateRefs', {
  'several refs move together': async (site) => {
    const [one, two] = [unique('one'), unique('two')]
    const sha = await mainTip(site)
    const child = await commitOn(site, sha)
    await create(site, `refs/heads/${one}`, sha)
    await update(site, [
      { name: `refs/heads/${one}`, beforeOid: sha, afterOid: child },
      { name: `refs/heads/${two}`, beforeOid: ZERO, afterOid: sha },
    ])
    assert.equal(await tip(site, `heads/${one}`), child)
    assert.equal(await tip(site, `heads/${two}`), sha)
  },
  'none moves when one is not where it was': async (site) => {
    const [one, two] = [unique('one'), unique('two')]
    const sha = await mainTip(site)
    const child = await commitOn(site, sha)
    await create(site, `refs/heads/${one}`, sha)
    await unmoved(
      update(site, [
        { name: `refs/heads/${two}`, beforeOid: ZERO, afterOid: sha },
        { name: `refs/heads/${one}`, beforeOid: child, afterOid: child },
      ]),
    )
    assert.equal(await tip(site, `heads/${one}`), sha)
    await refused(tip(site, `heads/${two}`), 404)
  },
  'zeros mean that the ref must not be there': async (site) => {
    const [name, sha] = [unique('absent'), await mainTip(site)]
    await create(site, `refs/heads/${name}`, sha)
    const child = await commitOn(site, sha)
    await unmoved(update(site, [{ name: `refs/heads/${name}`, beforeOid: ZERO, afterOid: child }]))
    assert.equal(await tip(site, `heads/${name}`), sha)
  },
})

export const gitProbes = group('git', {
  'a push with a lease makes a ref once': async (site) => {
    const ref = `refs/bzzz/${unique('lease')}`
    const sha = await mainTip(site)
    const [one, two] = [await commitOn(site, sha), await commitOn(site, sha)]
    for (const each of [one, two]) await site.git('fetch', '-q', 'origin', each)
    const push = (each: string) =>
      site.git('push', `--force-with-lease=${ref}:`, 'origin', `${each}:${ref}`)
    assert.equal((await push(one)).code, 0)
    assert.notEqual((await push(two)).code, 0)
    assert.equal(await tip(site, ref.slice('refs/'.length)), one)
  },
  'an atomic push is done as a whole or not at all': async (site) => {
    const [held, other] = [`refs/bzzz/${unique('held')}`, `refs/heads/${unique('work')}`]
    const sha = await mainTip(site)
    const child = await commitOn(site, sha)
    await create(site, held, sha)
    await site.git('fetch', '-q', 'origin', child)
    const push = (seen: string) =>
      site.git(
        'push',
        '--atomic',
        `--force-with-lease=${held}:${seen}`,
        'origin',
        `${child}:${held}`,
        `${child}:${other}`,
      )
    assert.notEqual((await push(child)).code, 0)
    await refused(tip(site, other.slice('refs/'.length)), 404)
    assert.equal((await push(sha)).code, 0)
    assert.equal(await tip(site, other.slice('refs/'.length)), child)
  },
  'a second push of the same commit succeeds and says nothing of it': async (site) => {
    const ref = `refs/bzzz/${unique('same')}`
    const sha = await commitOn(site, await mainTip(site))
    await site.git('fetch', '-q', 'origin', sha)
    const push = () => site.git('push', `--force-with-lease=${ref}:`, 'origin', `${sha}:${ref}`)
    assert.equal((await push()).code, 0)
    const again = await push()
    assert.equal(again.code, 0)
    assert.match(again.text, /up-to-date/)
  },
})
