/** `bzzz version`: what a bug report needs first. */
import type { Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { packageVersion } from '../version.ts'

export async function version({ out }: Context): Promise<number> {
  const facts = {
    bzzz: packageVersion(),
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
  }
  if (out.json) await out.document(facts)
  else if (out.quiet) await out.data(facts.bzzz)
  else {
    const { bzzz, node, platform, arch } = facts
    await out.data(`bzzz ${bzzz} (node ${node}, ${platform} ${arch})`)
  }
  return exitCodes.ok
}
