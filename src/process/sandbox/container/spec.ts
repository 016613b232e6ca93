/** What the engine is asked for: one container per child, which can do nothing but its work. Pure. */
import { z } from 'zod'
import { OOM_SCORE } from '../limits.ts'
import { below, type SandboxPlan } from '../plan.ts'

/** For temporary files of programs that do not know TMPDIR; it is memory. */
const TMPFS = 'rw,nosuid,nodev,size=268435456,mode=1777'
/** By which a sweep finds the containers of an agent. */
export const HOME_LABEL = 'bzzz.home'

/** A mount of the agent's own container: where it is there, and where on the host. */
export interface OwnMount {
  destination: string
  source: string
}

/** The host's path of a path of the agent; undefined when the host does not have it. */
export function hostPath(
  path: string,
  mounts: readonly OwnMount[] | undefined,
): string | undefined {
  if (mounts === undefined) return path
  const [mount] = mounts
    .filter(({ destination }) => below(path, destination))
    .sort((a, b) => b.destination.length - a.destination.length)
  if (mount === undefined) return undefined
  return mount.source + path.slice(mount.destination === '/' ? 0 : mount.destination.length)
}

/** What the runner needs of a plan; it travels as an argument, so there is no secret in it. */
export const jobSchema = z.object({
  socket: z.string(),
  image: z.string(),
  home: z.string(),
  read: z.array(z.string()),
  write: z.array(z.string()),
  cwd: z.string(),
  host: z.boolean(),
  user: z.string(),
  own: z.number().optional(),
  memoryBytes: z.number(),
  processes: z.number(),
  nofile: z.number(),
  fsize: z.number(),
  command: z.array(z.string()),
})
export type Job = z.infer<typeof jobSchema>

export interface JobInit {
  socket: string
  image: string
  /** Of the agent, for the label. */
  home: string
  user: string
}

export function jobOf(init: JobInit, plan: SandboxPlan, command: readonly string[]): Job {
  const proxy = typeof plan.network === 'object' ? [plan.network.proxy] : []
  // What holds a hidden directory cannot be mounted without it.
  const holdsHidden = (path: string) => plan.hidden.some((folder) => below(folder, path))
  return {
    ...init,
    read: plan.read.filter((path) => !holdsHidden(path)),
    write: [...plan.write, ...plan.sockets, ...proxy],
    cwd: plan.cwd,
    host: plan.network === 'host',
    user: plan.uid === undefined ? init.user : `${plan.uid}:${plan.uid}`,
    ...(plan.uid === undefined ? {} : { own: plan.uid }),
    memoryBytes: plan.limits.memoryBytes,
    processes: plan.limits.processes,
    nofile: plan.perProcess.nofile,
    fsize: plan.perProcess.fsize,
    command: [...command],
  }
}

/** Body of `POST /containers/create`. Throws, naming it, when a directory is not on the host. */
export function createBody(
  job: Job,
  env: Readonly<Record<string, string>>,
  mounts: readonly OwnMount[] | undefined,
): object {
  const bind = (readOnly: boolean) => (path: string) => {
    const source = hostPath(path, mounts)
    if (source === undefined && readOnly) return []
    if (source === undefined) {
      throw new Error(`${path} lies in the agent's own container; mount a volume there.`)
    }
    return [{ Type: 'bind', Source: source, Target: path, ReadOnly: readOnly }]
  }
  return {
    Image: job.image,
    Entrypoint: [],
    Cmd: job.command,
    WorkingDir: job.cwd,
    // The programs are those of the image.
    Env: Object.entries(env).flatMap(([name, value]) =>
      name === 'PATH' ? [] : [`${name}=${value}`],
    ),
    User: job.user,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Labels: { [HOME_LABEL]: job.home },
    HostConfig: {
      NetworkMode: job.host ? 'host' : 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Init: true,
      PidsLimit: job.processes,
      Memory: job.memoryBytes,
      MemorySwap: job.memoryBytes,
      OomScoreAdj: OOM_SCORE,
      Ulimits: [
        { Name: 'nofile', Soft: job.nofile, Hard: job.nofile },
        { Name: 'fsize', Soft: job.fsize, Hard: job.fsize },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      LogConfig: { Type: 'none' },
      Tmpfs: { '/tmp': TMPFS },
      Mounts: [...job.read.flatMap(bind(true)), ...job.write.flatMap(bind(false))],
    },
  }
}
