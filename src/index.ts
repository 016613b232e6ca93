/**
 * Bzzz as a library: an agent of the mesh, composed as `bzzz up` composes it.
 *
 * @example
 * const { config } = await loadConfig({ env: process.env, cwd: process.cwd() })
 * const agent = createAgent({ config }, { logger: await createLogger({ level: 'info' }) })
 * await agent.start()
 */
export {
  createAgent,
  version,
  type Agent,
  type AgentComponents,
  type AgentInit,
} from './agent/index.ts'
export { loadConfig, type Config } from './config/index.ts'
export { CodedError, createLogger, type Logger } from './util/index.ts'
