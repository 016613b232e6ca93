/** Refs by git alone: `ls-remote`, and `push --atomic --force-with-lease` as compare-and-swap. */
import { throwIfAborted } from '../../util/index.ts'
import { oidPattern } from './record.ts'
import type { RefTransport } from './ref-transport.ts'
import { refusalOf } from './refusal.ts'
import { createRemote, type RemoteInit } from './remote.ts'
import type { RunGit } from './repository-types.ts'

export function createGitTransport(init: RemoteInit, { git }: { git: RunGit }): RefTransport {
  const { url } = init
  const remote = createRemote(init, git)
  return {
    list: async (prefix, signal) =>
      parseListing(await remote(['ls-remote', '--quiet', url, `${prefix}*`], signal)),
    read: async (ref, signal) =>
      parseListing(await remote(['ls-remote', '--quiet', url, ref], signal)).get(ref),
    async compareAndSwap(updates, signal) {
      throwIfAborted(signal)
      const leases = updates.map(
        ({ ref, expected }) => `--force-with-lease=${ref}:${expected ?? ''}`,
      )
      const specs = updates.map(({ ref, next }) => `${next}:${ref}`)
      try {
        await remote(
          ['push', '--quiet', '--atomic', '--no-verify', ...leases, url, ...specs],
          signal,
        )
        return { is: 'moved' }
      } catch (error) {
        return { is: 'unmoved', error, reason: refusalOf(error) }
      }
    },
  }
}

/** OID by ref name of what `ls-remote` printed. */
export function parseListing(text: string): Map<string, string> {
  const listed = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [oid, ref] = line.split('\t')
    if (oid !== undefined && ref !== undefined && oidPattern.test(oid)) listed.set(ref, oid)
  }
  return listed
}
