/**
 * A slow or bad link, where the kernel has no netem: the frames of one port pass through a process
 * of ours, `fixtures/frame-relay.ts`, between two tap devices.
 *
 *     bridge ── tap b ═ relay ═ tap a ── little bridge ── port of the machine
 *
 * Frames, not TCP connections, are what it delays, drops and swaps: discovery by multicast, TCP's
 * own recovery and addresses remain as they are in life. Node cannot make a tap device; perl, which
 * comes with git, opens the two and becomes the relay.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { execute, enter, script } from './shell.ts'

/** Of one direction; both have the same. */
export interface Quality {
  /** ms */
  delayMs?: number
  /** Added to the delay at random, ms. The order stays. */
  jitterMs?: number
  /** Share of frames that is lost. */
  loss?: number
  /** Share of frames that overtakes those that wait. */
  reorder?: number
  /** Throughput, kbit/s. */
  kbit?: number
  seed?: number
}

export interface Impairment {
  /** What stands at the LAN's bridge instead of the machine's port. */
  readonly outer: string
  stop(): Promise<void>
}

const relay = fileURLToPath(new URL('fixtures/frame-relay.ts', import.meta.url))
const readyMs = 30_000

/** TUNSETIFF with IFF_TAP and IFF_NO_PI; the descriptors stay open over exec. */
const becomeRelay = `use Fcntl; $^F = 255;
my @fd;
for my $name (splice @ARGV, 0, 2) {
  sysopen(my $tap, '/dev/net/tun', O_RDWR) or die "/dev/net/tun: $!";
  my $request = pack('a16 s x22', $name, 0x1002);
  ioctl($tap, 0x400454ca, $request) or die "TUNSETIFF: $!";
  push @fd, fileno($tap); push @keep, $tap;
}
exec @ARGV, @fd or die "exec: $!";`

/** Why no link can be made slow here; undefined when it can. */
export async function whyNotImpair(): Promise<string | undefined> {
  const perl = await execute(['sh', '-c', 'command -v perl']).catch(() => '')
  if (perl === '') return 'perl, which opens tap devices, is not installed'
  const tun = access('/dev/net/tun', constants.R_OK | constants.W_OK)
  return tun.then(
    () => undefined,
    () => '/dev/net/tun is absent or not to be opened by this user',
  )
}

export async function startImpairment(
  at: { switchName: string; port: string; bridge: string; number: number },
  quality: Quality,
): Promise<Impairment> {
  const { switchName, port, bridge, number } = at
  const [inner, outer, little] = [`ta${number}`, `tb${number}`, `lb${number}`]
  const node = [process.execPath, relay, JSON.stringify(quality)]
  const [file, ...args] = [...enter(switchName), 'perl', '-e', becomeRelay, inner, outer]
  const child = spawn(file, [...args, ...node], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const ready = once(child.stdout, 'data', { signal: AbortSignal.timeout(readyMs) })
  const first = await Promise.race([ready, ended.then(() => undefined)])
  if (first === undefined) throw new Error(`The relay of ${port} did not start.`)
  await script(
    switchName,
    `ip link add ${little} type bridge mcast_snooping 0 stp_state 0 forward_delay 0`,
    `ip link set ${little} up`,
    `ip link set ${inner} master ${little} up`,
    `ip link set ${outer} master ${bridge} up`,
    `ip link set ${port} master ${little}`,
  )
  return {
    outer,
    async stop() {
      child.kill('SIGKILL')
      await ended
      await script(switchName, `ip link del ${little}`)
    },
  }
}
