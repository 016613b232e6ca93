/**
 * An embedded GitHub-compatible server: REST for an unmodified octokit, of GraphQL what
 * REST lacks and issues with what decides about them, git smart HTTP, and plain pages for people, over one
 * bare git repository per repository. It runs the whole product with no account and no network, and
 * tests it against GitHub's semantics. It knows nothing of the mesh.
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
 *
 * @example Faults on demand, the same in every run with the same seed
 * server.faults.seed(7)
 * // Every third creation of a ref is done and answered with 502.
 * server.faults.add({
 *   fault: { kind: 'error', when: 'after', status: 502 },
 *   method: 'POST',
 *   path: /\/git\/refs$/,
 *   probability: 1 / 3,
 * })
 * // The next push is applied, and its client sees a cut connection.
 * const cut = server.faults.add({
 *   fault: { kind: 'drop', when: 'after' },
 *   path: '/octo/lib.git/git-receive-pack',
 *   count: 1,
 * })
 * // …
 * cut.hits // 1
 * server.faults.clear()
 */
export { ForgeError, type ForgeErrorCode } from './errors.ts'
export type { ForgeFault, ForgeFaultHandle, ForgeFaultRule, ForgeFaults } from './faults/types.ts'
export { forge } from './forge.ts'
export type {
  Forge,
  ForgeAnswer,
  ForgeApp,
  ForgeComponents,
  ForgeHook,
  ForgeInit,
  ForgeInstallation,
  ForgePermissionName,
  ForgePermissions,
  ForgeRepository,
  ForgeRole,
  ForgeUser,
} from './types.ts'
