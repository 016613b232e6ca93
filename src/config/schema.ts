/**
 * Every option there is. An option is explained where it is defined (what, unit, default, why); the
 * reference page, the JSON schema and the environment names are generated from here.
 *
 * Everything has a default: a worker needs only `github.repos`, an observer or a client nothing.
 * Secrets stand here as references only.
 */
import { z } from 'zod'
import * as field from './fields.ts'
import { option, wholeNumber } from './option.ts'
import * as access from './schema-access.ts'
import { feedback } from './schema-feedback.ts'
import * as guard from './schema-guard.ts'
import { budget } from './schema-budget.ts'
import { help } from './schema-help.ts'
import { journal } from './schema-journal.ts'
import { mesh } from './schema-mesh.ts'
import { executors, permissions } from './schema-executors.ts'
import { sandbox } from './schema-sandbox.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const MIB = 1024 * 1024

const duration = (min: number, max: number, value: number) =>
  z.int().min(min).max(max).default(value)

const claims = z
  .strictObject({
    refPrefix: option(field.refPrefix.default('refs/bzzz/claims/'), {
      what: 'Namespace of the git refs that hold the claims, one ref per issue.',
      why: 'Outside refs/heads no branch list shows it; choose refs/heads/… where a proxy lets nothing else through. All agents of a repository must agree.',
      form: 'refs/…/ of letters, digits, - and _, with a slash at the end',
    }),
    transport: option(z.enum(['git', 'rest']).default('git'), {
      what: 'How claims reach the forge: by git push, or by REST and GraphQL.',
      why: 'git needs one push where rest needs two or more writes of the rate limit; choose rest where a proxy or a rule refuses pushes to the namespace of the claims. The work itself travels by git in both, and rest needs GraphQL updateRefs to publish it. Agents may differ in it.',
      form: 'git or rest',
    }),
    leaseMs: option(duration(1_000, DAY, 30 * MINUTE), {
      what: 'How long a claim holds without a renewal.',
      why: 'It is renewed every third of it; after it another agent may take over. Longer survives longer outages, shorter frees the issues of dead agents sooner.',
      form: wholeNumber(1_000, DAY),
      unit: 'ms',
    }),
    staggerMs: option(duration(0, MINUTE, 1_000), {
      what: 'Delay before a claim is tried, per place in the order of agents for that issue.',
      why: 'It only spreads the attempts, so that usually one agent tries; the claim itself decides. The first does not wait, and no place waits longer than 15 s. Less than a claim takes to get around the mesh makes several agents try.',
      form: wholeNumber(0, MINUTE),
      unit: 'ms',
    }),
  })
  .prefault({})
  .describe('How an issue becomes one agent’s.')

const labels = z
  .strictObject({
    trigger: option(field.label.default('bzzz'), {
      what: 'Label that makes an open issue a task.',
      why: 'Only people who may label can start work.',
      form: '1 to 50 characters without comma',
    }),
    failed: option(field.label.default('bzzz:failed'), {
      what: 'Label that an issue gets when its attempts are used up.',
      why: 'It keeps the issue from being taken again; `/bzzz retry` in a comment, or taking the label off, has it tried anew.',
      form: '1 to 50 characters without comma',
    }),
    stopped: option(field.label.default('bzzz:stopped'), {
      what: 'Label that an issue or pull request gets when a person stops the work on it.',
      why: 'It keeps all agents away; `/bzzz retry` in a comment goes on, and so does taking the label off.',
      form: '1 to 50 characters without comma',
    }),
    needsHuman: option(field.label.default('bzzz:needs-human'), {
      what: 'Label that a pull request gets when its rounds of feedback are used up.',
      why: 'It says that nothing more happens by itself; `/bzzz retry` in a comment goes on with new rounds, and so does taking the label off.',
      form: '1 to 50 characters without comma',
    }),
    draft: option(field.label.default('bzzz:draft'), {
      what: 'Label of an issue whose pull request is to be a draft.',
      why: 'For single issues, whatever `github.drafts` says.',
      form: '1 to 50 characters without comma',
    }),
    priority: option(field.labels.default(['P0', 'P1', 'P2', 'P3']), {
      what: 'Labels that say which issue is taken first, from the highest priority to the lowest.',
      why: 'An issue without one stands in the middle; `priority:WORD` counts as WORD, and `priority:high` and `priority:low` are the two ends.',
      form: 'labels of 1 to 50 characters without comma, up to 20',
    }),
  })
  .prefault({})
  .describe('Labels that Bzzz reads and sets.')

const github = z
  .strictObject({
    repos: option(field.repos.default([]), {
      what: 'Repositories whose issues are worked.',
      why: 'The one thing a worker must be told; at most 100, because each is polled.',
      form: 'a list such as [owner/name], up to 100, each once',
      defaultText: 'none; a worker needs at least one',
    }),
    paused: option(field.repos.default([]), {
      what: 'Repositories in which this agent takes nothing new.',
      why: 'What it works on goes on. To pause a repository for the whole mesh, write `paused: REASON` into its WORKFLOW.md.',
      form: 'a list such as [owner/name], up to 100, each once',
      defaultText: 'none',
    }),
    apiUrl: option(field.url.default('https://api.github.com'), {
      what: 'Base URL of the REST API.',
      why: 'For GitHub Enterprise Server: https://HOST/api/v3. Plain http only to this machine, because the token goes along.',
      form: 'an https URL, or http to 127.0.0.1, ::1 or localhost',
    }),
    gitUrl: option(field.url.optional(), {
      what: 'Base URL of the git remotes, to which /owner/name.git is added.',
      why: 'Set it when git is reached by another name than the API says.',
      form: 'an https URL, or http to 127.0.0.1, ::1 or localhost',
      defaultText: 'what the API gives as clone_url',
    }),
    token: access.token,
    app: access.app,
    assignee: access.assignee,
    labels,
    trust: option(z.enum(['label', 'author', 'anyone']).default('label'), {
      what: 'Whose triage permission makes an issue a task: that of who set the trigger label, or of who opened the issue; or nobody’s.',
      why: 'Issue forms label in the name of strangers, so who labelled is looked at. `author` also keeps out the words of strangers that somebody labelled; `anyone` saves a request for each task where only members can open issues.',
      form: 'label, author or anyone',
    }),
    claims,
    pollMs: option(duration(200, 60 * MINUTE, 30_000), {
      what: 'Pause between two looks at a repository’s issues.',
      why: 'One agent looks for all. Unchanged answers cost nothing of the rate limit; below a few seconds only against a forge of your own.',
      form: wholeNumber(200, 60 * MINUTE),
      unit: 'ms',
    }),
    safetyPollMs: option(z.int().min(200).max(DAY).optional(), {
      what: 'Pause between two looks that each agent takes for itself, whatever others say.',
      why: 'One agent per repository polls for all; this bounds what is lost when it errs or lies. Large meshes stretch it, up to six times.',
      form: wholeNumber(200, DAY),
      unit: 'ms',
      defaultText: 'ten times `github.pollMs`',
    }),
    branchPrefix: option(field.branchPrefix.default('bzzz/issue-'), {
      what: 'Name of the work branch before the issue’s number.',
      why: 'One branch per issue, never per attempt. All agents of a repository must agree.',
      form: 'the beginning of a branch name',
    }),
    webhooks: access.webhooks,
    ...feedback,
    maxAttempts: option(z.int().min(1).max(20).default(3), {
      what: 'Attempts at an issue, by all agents together, before it is marked as failed.',
      why: 'Enough for a crash and a bad day, few enough to stop burning money.',
      form: wholeNumber(1, 20),
    }),
  })
  .prefault({})
  .describe('The forge: whose issues, how they are claimed and where the work goes.')

const work = z
  .strictObject({
    slots: option(z.union([z.int().min(1).max(64), z.literal('auto')]).default(1), {
      what: 'Tasks worked at the same time.',
      why: 'One suits a machine that people use; raise it with cores, memory and budget. `auto`: one for each two processors and 2 GiB of memory, of what the cgroup allows, and none more while memory is short or the load is high.',
      form: `${wholeNumber(1, 64)}, or auto`,
    }),
    budget,
    executors,
    use: option(
      z.union([z.literal('auto'), field.words(32).min(1, 'names no executor')]).default('auto'),
      {
        what: 'Executors to choose from.',
        why: '`auto` takes `command`, those of `work.executors` and those found on the machine; a list restricts it.',
        form: '`auto`, or a list of names of executors',
      },
    ),
    permissions,
    tags: option(field.words(64).default([]), {
      what: 'Free words that this agent can do, for issues with a label `needs:WORD`.',
      why: 'For what no detector can see, such as a licence or a device.',
      form: 'words of up to 64 letters, digits and . _ : + -, up to 64',
      defaultText: 'none',
    }),
    wallTimeMs: option(duration(1_000, DAY, 30 * MINUTE), {
      what: 'Longest run of an executor; a repository’s WORKFLOW.md may ask for less.',
      why: 'No agent works for ever. A claim is renewed meanwhile.',
      form: wholeNumber(1_000, DAY),
      unit: 'ms',
    }),
    checkpointMs: option(
      z
        .int()
        .min(0)
        .max(DAY)
        .default(2 * MINUTE),
      {
        what: 'Pause between two checkpoints of unfinished work on the work branch; 0: only when it is stopped.',
        why: 'So much work is lost at most when an agent is killed. One costs a push, which renews the claim as well, and is made only when files changed.',
        form: wholeNumber(0, DAY),
        unit: 'ms',
      },
    ),
    maxOutputBytes: option(
      z
        .int()
        .min(1_024)
        .max(1_024 * MIB)
        .default(16 * MIB),
      {
        what: 'Output after which an executor or a check is stopped.',
        why: 'Far above any useful log, far below a full disk.',
        form: wholeNumber(1_024, 1_024 * MIB),
        unit: 'bytes',
      },
    ),
    protectedPaths: guard.protectedPaths,
    allowPaths: guard.allowPaths,
    ignoreSecretRules: guard.ignoreSecretRules,
    network: guard.network,
    checkTimeoutMs: option(duration(1_000, DAY, 10 * MINUTE), {
      what: 'Longest run of one of the repository’s checks that names no limit of its own.',
      why: 'A check that hangs must not hold the issue.',
      form: wholeNumber(1_000, DAY),
      unit: 'ms',
    }),
    ...sandbox,
  })
  .prefault({})
  .describe('What this machine does and with what.')

export const configSchema = z
  .strictObject({
    name: option(field.agentName.optional(), {
      what: 'Name of this agent for people.',
      why: 'It proves nothing and need not be unique; the peer id does and is.',
      form: '1 to 64 of A-Z, a-z, 0-9, . _ and -',
      defaultText: 'the host name, cleaned',
    }),
    home: option(field.home.optional(), {
      what: 'Directory of this agent’s identity, journals, clones and API socket.',
      why: 'One agent per directory; several on one machine need one each.',
      form: 'a path, not below /proc, /sys or /dev',
      defaultText: '$XDG_STATE_HOME/bzzz or ~/.local/state/bzzz',
    }),
    roles: option(
      z
        .array(z.enum(['worker', 'observer']))
        .length(1)
        .default(['worker']),
      {
        what: 'Whether this agent works issues or only replicates everyone’s journals.',
        why: 'An observer needs no token and takes no task.',
        form: '[worker] or [observer]',
      },
    ),
    log: z
      .strictObject({
        level: option(z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'), {
          what: 'Least severity of what the agent logs on stderr.',
          why: '`debug` is for a fault that one is looking for.',
          form: 'debug, info, warn, error or silent',
        }),
      })
      .prefault({})
      .describe('The log on stderr.'),
    github,
    mesh,
    journal,
    work,
    help,
    api: z
      .strictObject({
        socket: option(field.path.optional(), {
          what: 'Unix socket on which the agent answers `bzzz status` and the other commands.',
          why: 'Set it when the home is on a file system that holds no sockets; clients still find it by the home.',
          form: 'a path of at most 103 bytes',
          defaultText:
            'run/agent.sock in the home, or, if that is too long, in a private directory below the temporary one',
        }),
      })
      .prefault({})
      .describe('The local interface of the command line.'),
    $schema: z.string().max(2_048).optional().describe('For editors; ignored.'),
  })
  .describe('Configuration of a Bzzz agent')

export type ConfigInput = z.input<typeof configSchema>
type Parsed = z.output<typeof configSchema>

/** A whole configuration: paths are absolute; what has no value is left to who uses it. */
export type Config = Omit<Parsed, 'name' | 'home' | '$schema'> & { name: string; home: string }
export type ExecutorConfig = Config['work']['executors'][number]
