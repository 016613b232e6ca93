/**
 * An embedded GitHub-compatible server: REST for an unmodified octokit, git smart HTTP, and plain
 * pages for people, over one bare git repository per repository. It runs the whole product with no
 * account and no network, and tests it against GitHub's semantics. It knows nothing of the mesh.
 *
 * @example
 * const server = forge(
 *   { dir: '/var/lib/forge', users: [{ login: 'ada', token: 'secret', role: 'push' }] },
 *   { processes: createProcesses({ stateDir, logger }) },
 * )
 * await server.start()
 * await server.createRepository({ owner: 'octo', name: 'lib', from: './examples/sample-repo' })
 * const octokit = new Octokit({ baseUrl: server.apiUrl, auth: 'secret' })
 * // git clone `${server.url}/octo/lib.git`
 * await server.stop()
 */
export { ForgeError, type ForgeErrorCode } from './errors.ts'
export { forge } from './forge.ts'
export type {
  Forge,
  ForgeComponents,
  ForgeInit,
  ForgeRepository,
  ForgeRole,
  ForgeUser,
} from './types.ts'
