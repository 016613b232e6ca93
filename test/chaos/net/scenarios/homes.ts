/** What happens to homes and machines: a full disk, an old copy put back, two of one, a clock set wrong. */
import { cp, mkdir, open, rename, rm, stat, statfs, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '../../../../src/api/client.ts'
import { sleep, until } from '../../../../src/util/index.ts'
import type { Crew, Member } from '../crew.ts'
import { placeOf } from '../replicas.ts'
import { bounds, busy, done, onLan, type Part } from '../parts.ts'
import type { Context } from '../scenario.ts'

const diskMiB = 256
const ballast = 'ballast'
/** For the entries of a copy to reach everybody once it runs alone, ms. */
const handOverMs = 60_000
const pageBytes = 4_096
/** The disk stays full for, ms. */
const fullMs = 20_000
/** For work to begin again when there is space, ms: a retry and a poll. */
const resumeMs = 60_000
const workMs = 60_000
/** Between two issues for anybody, ms. */
const flowMs = 6_000
const hook = fileURLToPath(new URL('../fixtures/clock-hook.mjs', import.meta.url))
const hourMs = 3_600_000
/** Clocks of honest machines differ by less, ms. */
const skewMs = 300_000

/** Writes until nothing more fits. */
async function fill(home: string): Promise<void> {
  const { bavail, bsize } = await statfs(home)
  const chunk = Buffer.alloc(64 * 1024)
  const file = await open(join(home, ballast), 'a')
  try {
    for (let left = bavail * bsize + chunk.length; left > 0; left -= chunk.length) {
      await file.write(chunk)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
}

const full: Part = {
  name: 'disk-full',
  about:
    'a home on a full disk for 20 s: nothing new is taken, nothing is lost; with space, work goes on without a restart',
  async run(crew, context) {
    const { signal, note, figure, violation } = context
    const victim = crew.members[0]!
    const before = await victim.api.status()
    await crew.issue(victim, 3_000)
    await busy(victim, signal)
    note(`the disk of ${victim.name} is full`)
    await fill(victim.actor.home)
    const fullFrom = Date.now()
    const waiting = await crew.issue(victim)
    for (let n = 0; n < 3; n += 1) await crew.issue()
    // Whatever frees a little is filled again: the disk is full for all of the time.
    while (Date.now() - fullFrom < fullMs) {
      await sleep(1_000, { signal })
      await fill(victim.actor.home)
    }
    if ((await done(crew, waiting, 1, signal)) !== undefined) {
      figure('disk-full', 'an issue was worked all the same')
    }
    await rm(join(victim.actor.home, ballast))
    const took = await done(crew, waiting, resumeMs * crew.slowness(), signal)
    if (took === undefined) violation('disk-full: no work was taken when there was space again')
    else figure('disk-full, own issue done after space, s', Math.round(took / 100) / 10)
    const after = await victim.api.status().catch(() => undefined)
    if (after?.pid !== before.pid) violation('disk-full: the agent did not live through it')
    await crew.whole('disk-full', bounds.long)
    return undefined
  },
}

const fullStart: Part = {
  name: 'disk-full-start',
  about:
    'an agent starts on a full disk: it takes nothing, shows its journal, and works with space',
  async run(crew, context) {
    const { signal, note, figure, violation } = context
    const victim = crew.members[0]!
    await worksAlone(crew, victim, context, 'disk-full-start, before')
    await victim.actor.end()
    await fill(victim.actor.home)
    // For what the harness itself writes.
    await truncate(join(victim.actor.home, ballast), (await ballastOf(victim)) - 2 * pageBytes)
    note(`${victim.name} starts on a full disk`)
    await victim.actor.start()
    const up = async () => (await victim.api.status().catch(() => undefined))?.journal.length
    const length = await until('its API', 60_000, up, { signal, everyMs: 250 }).catch(() => 0)
    figure('disk-full-start, entries that it shows', length ?? 0)
    if (length === 0) violation('disk-full-start: the journal is not shown')
    await fill(victim.actor.home)
    const issue = await crew.issue(victim)
    for (let n = 0; n < 10; n += 1) {
      await sleep(1_000, { signal })
      await fill(victim.actor.home)
    }
    const before = await victim.api.status().catch(() => undefined)
    figure('disk-full-start, journal', before?.journal.state.is ?? 'no answer')
    await rm(join(victim.actor.home, ballast))
    const took = await done(crew, issue, resumeMs * crew.slowness(), signal)
    if (took === undefined) violation('disk-full-start: no work was taken when there was space')
    const after = await victim.api.status().catch(() => undefined)
    if (before === undefined || after?.pid !== before.pid)
      violation('disk-full-start: the agent did not live through it')
    await crew.whole('disk-full-start', bounds.long)
    return undefined
  },
}

const ballastOf = async ({ actor }: Member) => (await stat(join(actor.home, ballast))).size

/** Ends the agent, and copies its home as `cp -a` would. */
async function copied({ actor }: Member): Promise<string> {
  await actor.end()
  const copy = `${actor.home}.copy`
  await cp(actor.home, copy, { recursive: true, preserveTimestamps: true, filter: noSockets })
  return copy
}

const noSockets = (path: string) => !/\.sock$|\/run$/.test(path)

async function worksAlone(
  crew: Crew,
  member: Member,
  { signal, violation }: Context,
  what: string,
): Promise<void> {
  const issue = await crew.issue(member)
  const took = await done(crew, issue, workMs * crew.slowness(), signal)
  if (took === undefined) violation(`${what}: ${member.name} works no more`)
}

const restore: Part = {
  name: 'restore',
  about: 'a home is replaced by an older copy of itself: no fork, nothing lost, work goes on',
  async run(crew, context) {
    const { note } = context
    const victim = crew.members[0]!
    await worksAlone(crew, victim, context, 'restore, before')
    const copy = await copied(victim)
    note('copied; it goes on, and its journal grows')
    await victim.actor.start()
    await crew.whole('restore, after the copy', bounds.restart)
    await worksAlone(crew, victim, context, 'restore, after the copy')
    await victim.actor.kill()
    await rename(victim.actor.home, `${victim.actor.home}.lost`)
    await rename(copy, victim.actor.home)
    note('the older copy is put back')
    await victim.actor.start()
    await crew.whole('restore', bounds.restart)
    await worksAlone(crew, victim, context, 'restore')
    return undefined
  },
}

/** While both run, their peers follow the one that they reached first; the other's entries need it alone. */
async function handedOver(
  crew: Crew,
  { victim, twin }: { victim: Member; twin: Member },
  { signal, note, violation }: Context,
): Promise<void> {
  const others = crew.members.filter((member) => member !== victim)
  await victim.actor.end()
  note('the copy starts alone')
  await twin.actor.start()
  const own = new Set<string>()
  const reached = async () => {
    const { peerId } = await twin.api.status()
    for (const place of await places(twin)) if (place.startsWith(peerId)) own.add(place)
    const theirs = await Promise.all(others.map(async (one) => new Set(await places(one))))
    return own.size > 0 && [...own].every((place) => theirs.every((all) => all.has(place)))
  }
  const all = async () => reached().catch(() => false)
  await until('the entries of the copy', handOverMs * crew.slowness(), all, {
    signal,
    everyMs: 1_000,
  }).catch(() => violation('twins: entries of the copy do not reach the others'))
  await twin.actor.end()
  await victim.actor.start()
  await crew.whole('twins, the original again', bounds.restart)
}

async function places({ actor }: Member): Promise<string[]> {
  const found = []
  for await (const entry of connect(actor.home).logs()) found.push(placeOf(entry))
  return found
}

const twins: Part = {
  name: 'twins',
  about:
    'a copy of a home runs beside the original for 30 s, and later alone: no fork, the original goes on, and what the copy wrote is kept',
  async run(crew, context) {
    const { world, signal, note } = context
    const victim = crew.members[0]!
    await worksAlone(crew, victim, context, 'twins, before')
    const copy = await copied(victim)
    const twin = crew.add(await world.machine('twin', victim.machine.lan), 'twin')
    await world.expose(Number(new URL(crew.stage.forge.url).port), [twin.machine])
    await rename(copy, twin.actor.home)
    note('both start')
    await Promise.all([victim.actor.start(), twin.actor.start()])
    const stop = crew.flow(flowMs)
    await sleep(30_000, { signal })
    await stop()
    await crew.dismiss(twin)
    await crew.whole('twins, one has gone', bounds.restart)
    await worksAlone(crew, victim, context, 'twins')
    await handedOver(crew, { victim, twin }, context)
    return undefined
  },
}

const clock = (shift: number): Part => {
  const what = `clock off by ${shift / 60_000} min`
  return {
    name: what,
    about:
      shift === 0
        ? 'the wall clock of that agent is right again'
        : `the wall clock of one agent is off by ${shift / 60_000} min for 30 s: it stays a member, works, and says so`,
    async run(crew, context) {
      const { signal, note, violation } = context
      const victim = crew.members[0]!
      const stop = crew.flow(flowMs)
      note(`${victim.name}: ${what}`)
      await writeFile(clockFile(context, victim.name), `${shift}`)
      await sleep(30_000, { signal })
      const { mesh } = await victim.api.status()
      const said = mesh.clock?.offsetMs ?? 0
      context.figure(`${what}, it says, min`, Math.round(said / 60_000))
      if (Math.abs(said + shift) > skewMs) violation(`${what}: its status says ${said} ms`)
      await crew.whole(what, shift === 0 ? bounds.long : bounds.short)
      await stop()
      await worksAlone(crew, victim, context, what)
      return undefined
    },
  }
}

const clockFile = ({ dir }: Pick<Context, 'dir'>, name: string) => join(dir, `clock-${name}`)

const onSmallDisk = {
  async prepare(crew: Crew, { world }: Context) {
    const { home } = crew.members[0]!.actor
    await mkdir(home, { recursive: true, mode: 0o700 })
    await world.disk(home, diskMiB)
  },
}
export const diskFull = onLan({
  name: 'disk-full',
  parts: [full, fullStart],
  short: true,
  size: 3,
  crew: onSmallDisk,
})
export const fullAtStart = onLan({
  name: 'disk-full-start',
  parts: [fullStart],
  size: 3,
  crew: onSmallDisk,
})
export const restored = onLan({ name: 'restore', parts: [restore], short: true, size: 3 })
export const twinned = onLan({ name: 'twins', parts: [twins], size: 3, crew: { copies: true } })
export const clockJump = onLan({
  name: 'clock',
  parts: [hourMs, -hourMs, 0].map(clock),
  size: 3,
  crew: {
    env: ({ name }, context) => ({
      NODE_OPTIONS: `--import=${hook}`,
      BZZZ_CHAOS_CLOCK: clockFile(context, name),
    }),
  },
})
