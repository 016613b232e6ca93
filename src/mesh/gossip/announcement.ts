/**
 * Capabilities, signed by the peer that they describe and opened again. The signature names the mesh,
 * so an announcement cannot be carried into another one. It is checked whoever brings the message:
 * an author over gossip, the peer itself, or a third one that hands it on.
 */
import { canonicalJson, decodeJson } from '../../util/index.ts'
import { verifySignature, type Identity } from '../identity.ts'
import { capabilitiesSchema, topics, type Announcement, type Capabilities } from '../wire.ts'

/** An announcement with what it says. */
export interface Signed {
  announcement: Announcement
  capabilities: Capabilities
}

const signedBytes = (meshName: string, payload: string): Uint8Array =>
  Buffer.from(`bzzz-capabilities:${meshName}:${payload}`)

export async function signCapabilities(
  capabilities: Capabilities,
  { identity, meshName }: { identity: Pick<Identity, 'sign'>; meshName: string },
): Promise<Signed> {
  const payload = canonicalJson(capabilities)
  const signature = await identity.sign(signedBytes(meshName, payload))
  return {
    capabilities,
    announcement: { payload, signature: Buffer.from(signature).toString('base64url') },
  }
}

/** What an announcement says, not yet proven. Errors: `TOO_LARGE`, `INVALID`. */
export function openAnnouncement(announcement: Announcement): Signed {
  const { maxBytes } = topics.capabilities
  const what = 'capabilities'
  const schema = capabilitiesSchema
  return {
    announcement,
    capabilities: decodeJson(announcement.payload, { what, schema, maxBytes }),
  }
}

/** Whether the peer that the announcement describes signed it for this mesh. */
export function isAuthentic({ announcement, capabilities }: Signed, meshName: string) {
  const signature = Buffer.from(announcement.signature, 'base64url')
  return verifySignature(
    capabilities.peerId,
    signedBytes(meshName, announcement.payload),
    signature,
  )
}
