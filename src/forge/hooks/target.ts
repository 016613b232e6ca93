/** Where a webhook may be sent to. A forge that anybody may reach must not be made to call inwards. */
import { BlockList, isIP } from 'node:net'

const own = new BlockList()
own.addSubnet('127.0.0.0', 8, 'ipv4')
own.addAddress('::1', 'ipv6')

/** Why `text` cannot be a target; undefined when it can. */
export function targetFault(text: string, allowed: 'loopback' | 'any'): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.username !== '')
    return 'url is not a valid HTTP address'
  if (allowed === 'any') return undefined
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const family = isIP(host)
  const loopback =
    host === 'localhost' || (family !== 0 && own.check(host, family === 6 ? 'ipv6' : 'ipv4'))
  return loopback ? undefined : 'url is not supported because it is not an address of this machine'
}
