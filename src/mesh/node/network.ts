/** This machine's addresses now, as the system reports them. */
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { localAddresses, type LocalAddress } from './addresses.ts'

export function addressesNow(): LocalAddress[] {
  return localAddresses(networkInterfaces(), interfaceIndex)
}

/** Linux tells it; elsewhere, and for an interface that has just gone, it is empty. */
function interfaceIndex(name: string): string {
  try {
    return readFileSync(`/sys/class/net/${name}/ifindex`, 'ascii').trim()
  } catch {
    return ''
  }
}
