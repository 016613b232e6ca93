/**
 * The rules about what is loaded when the code runs: type-only imports are left out, because Node
 * strips them.
 */
import { heavy, options } from './.dependency-cruiser.mjs'

export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Modules that need each other to load break in an order that nobody chose.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
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
