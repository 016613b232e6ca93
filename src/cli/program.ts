/**
 * The command line as commander knows it: names, options, help. No command's code is loaded here;
 * an action hands over a body that imports it when it runs.
 */
import { registerAgent } from './register-agent.ts'
import { registerClient } from './register-client.ts'
import { registerMesh } from './register-mesh.ts'
import { registerExecutor } from './register-executor.ts'
import { registerHelp } from './register-help.ts'
import { registerDoctor } from './register-doctor.ts'
import { buildRoot, type Root, type Run } from './root.ts'

export function buildProgram(run: Run): Root {
  const root = buildRoot()
  registerMesh(root, run)
  registerAgent(root, run)
  registerClient(root, run)
  registerHelp(root, run)
  registerDoctor(root, run)
  registerExecutor(root, run)
  return root
}
