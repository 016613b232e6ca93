/** What a detector is: one thing that is looked for on this machine. */
import type { Probe } from '../probe.ts'
import type { Detected } from '../told.ts'

export interface DetectContext {
  probe: Probe
  /** Names of configured executors. */
  configured: ReadonlySet<string>
  /** Base URL of Ollama. */
  ollamaUrl: string
  /** Where the kernel lists graphics cards. */
  drmDir: string
}

/** What one detector found; lists are joined. */
export type Finding = Partial<
  Pick<Detected, 'executors' | 'models' | 'languages' | 'tools' | 'gpu'>
>

export interface Detector {
  name: string
  /** May fail. Children are bounded by the probe; whatever else it waits for needs a deadline. */
  detect(context: DetectContext, signal: AbortSignal): Promise<Finding>
}
