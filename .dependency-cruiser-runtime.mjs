/**
 * The rule about what is loaded when the code runs: type-only imports are left out, because Node
 * strips them.
 */
import { heavy, options } from './.dependency-cruiser.mjs'

export default {
  forbidden: [
    {
      name: 'clients-are-light',
      comment: 'Client commands load neither libp2p nor hypercore nor octokit, also indirectly.',
      severity: 'error',
      from: { path: '^src/cli/client/' },
      to: { path: heavy, reachable: true },
    },
  ],
  options: { ...options, tsPreCompilationDeps: false },
}
