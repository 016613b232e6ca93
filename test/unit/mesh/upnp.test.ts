/** A router that forwards ports as the standard has it, and is as strict: description and SOAP over HTTP. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { portMapper } from '../../../src/mesh/reach/upnp.ts'
import { until } from '../../../src/util/index.ts'

const service = 'urn:schemas-upnp-org:service:WANIPConnection:2'
const description = `<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><device>
  <deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:2</deviceType><UDN>uuid:igd</UDN>
  <deviceList><device><deviceType>urn:schemas-upnp-org:device:WANDevice:2</deviceType>
    <deviceList><device><deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:2</deviceType>
      <serviceList><service><serviceType>${service}</serviceType><SCPDURL>/scpd</SCPDURL>
        <controlURL>/control</controlURL></service></serviceList>
    </device></deviceList></device></deviceList>
</device></root>`

let server: Server
let asked: string[]
/** Outer port and protocol → inner address. */
let mappings: Map<string, string>

beforeEach(async () => {
  asked = []
  mappings = new Map()
  server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { status, body } =
        request.method === 'GET'
          ? { status: 200, body: description }
          : control(String(request.headers['soapaction']), Buffer.concat(parts).toString())
      response.writeHead(status, { 'content-type': 'text/xml' }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  vi.useRealTimers()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function control(header: string, body: string) {
  const action = /#(\w+)/.exec(header)?.[1] ?? ''
  const field = (name: string) => new RegExp(`<${name}>([^<]*)<`).exec(body)?.[1] ?? ''
  asked.push(action)
  const key = `${field('NewExternalPort')} ${field('NewProtocol')}`
  if (action === 'GetExternalIPAddress')
    return answer(action, '<NewExternalIPAddress>203.0.113.7</NewExternalIPAddress>')
  if (!/^\d+ (TCP|UDP)$/.test(key)) return fault(402, 'Invalid Args')
  if (action === 'AddAnyPortMapping') {
    if (!(Number(field('NewLeaseDuration')) > 0)) return fault(725, 'OnlyPermanentLeasesSupported')
    mappings.set(key, `${field('NewInternalClient')}:${field('NewInternalPort')}`)
    return answer(action, `<NewReservedPort>${field('NewExternalPort')}</NewReservedPort>`)
  }
  if (action !== 'DeletePortMapping') return fault(401, 'Invalid Action')
  return mappings.delete(key) ? answer(action, '') : fault(714, 'NoSuchEntryInArray')
}

const envelope = (inner: string) =>
  `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${inner}</s:Body></s:Envelope>`
const answer = (action: string, inner: string) => ({
  status: 200,
  body: envelope(`<u:${action}Response xmlns:u="${service}">${inner}</u:${action}Response>`),
})
const fault = (code: number, text: string) => ({
  status: 500,
  body: envelope(
    `<s:Fault><detail><UPnPError><errorCode>${code}</errorCode><errorDescription>${text}</errorDescription></UPnPError></detail></s:Fault>`,
  ),
})

test('a port is mapped for an hour, again before that ends, and unmapped when the agent stops', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { port } = server.address() as AddressInfo
  const gateway = await portMapper().getGateway(new URL(`http://127.0.0.1:${port}/desc.xml`))
  const mapping = await gateway.map(4001, '192.168.1.20', { protocol: 'tcp' })
  expect(mapping).toMatchObject({ externalHost: '203.0.113.7', externalPort: 4001 })
  expect([...mappings]).toEqual([['4001 TCP', '192.168.1.20:4001']])

  vi.advanceTimersByTime(58 * 60_000)
  expect(asked.filter((action) => action === 'AddAnyPortMapping')).toHaveLength(1)
  vi.advanceTimersByTime(60_000)
  vi.useRealTimers()
  await until(
    'a renewal',
    5_000,
    () => asked.filter((action) => action === 'AddAnyPortMapping').length === 2,
  )

  await gateway.stop({ signal: AbortSignal.timeout(5_000) })
  expect(asked.at(-1)).toBe('DeletePortMapping')
  expect([...mappings]).toEqual([])
})
