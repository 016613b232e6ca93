/** `bzzz version`: what a bug report needs first. */
import type { Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { versionFacts } from '../version.ts'

export async function version({ out }: Context): Promise<number> {
  const facts = versionFacts()
  if (out.json) await out.document(facts)
  else if (out.quiet) await out.data(facts.bzzz)
  else {
    const { bzzz, node, platform, arch } = facts
    await out.data(`bzzz ${bzzz} (node ${node}, ${platform} ${arch})`)
  }
  return exitCodes.ok
}
