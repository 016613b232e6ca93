/**
 * Who may import whom: the house's table as rules. Type-only imports count as imports here; what is
 * reachable when the code runs is the matter of `.dependency-cruiser-runtime.mjs`.
 *
 * A room is imported through its door. Its contract files may be named for their types alone, which
 * cost nothing at run time and keep doors from needing each other.
 *
 * `test/house.test.ts` checks that the table names every folder of src and that a violation of each
 * kind is found.
 */
const capabilities = ['tasks', 'work', 'help', 'handlers', 'aggregate', 'memory', 'models']
const leaves = ['util', 'config', 'process', 'secrets', 'metrics']

/** Folder of src → folders that it may import. */
export const table = {
  util: [],
  config: ['util'],
  process: ['util'],
  secrets: ['util'],
  metrics: ['util'],
  mesh: ['util', 'metrics'],
  journal: ['util', 'mesh'],
  ...Object.fromEntries(capabilities.map((room) => [room, [...leaves, 'mesh', 'journal']])),
  mcp: ['util'],
  forge: ['util', 'process'],
  api: ['util', 'metrics'],
  visualizer: ['util', 'mesh', 'journal', 'api'],
  /** The composition root. */
  agent: [...leaves, ...capabilities, 'mesh', 'journal', 'api', 'visualizer'],
}

/** The composition root: `src/agent/`, and `src/index.ts`, the package's door. */
const ROOT = ['^src/[^/]+$', '^src/agent/']

/** Rooms whose types the API and the page may name. */
const described = ['mesh', 'journal', ...capabilities, 'config']

const anyOf = (names) => `(?:${names.join('|')})`
const packages = (names) => `(?:^|node_modules/)${anyOf(names)}(?:/|$)`

const rooms = Object.entries(table).map(([room, allowed]) => ({
  name: `${room}-imports`,
  comment: `${room} may import ${allowed.length === 0 ? 'no other room' : allowed.join(', ')}.`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: {
    path: '^src/',
    pathNot: `^src/${anyOf([room, ...allowed])}/`,
    ...(room === 'api' ? { dependencyTypesNot: ['type-only'] } : {}),
  },
}))

/** A kind of package that only some files may import. */
const only = (name, to, from, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: from },
  to: { path: to },
})

/** `api/client.ts` is a second, light door, so that client commands do not load the server. */
const DOORS = ['^src/[^/]+/index\\.ts$', '^src/api/client\\.ts$']

/** Files that hold a room's contract: types and schemas. */
const CONTRACT = '^src/[^/]+/(?:types|wire|entries)\\.ts$'

const LIBP2P = packages(['libp2p', '@libp2p', '@chainsafe/libp2p-[^/]+', '@multiformats'])
const HYPERCORE = packages(['hypercore', 'corestore', 'hyperbee', 'hypercore-[^/]+'])
/** Not `@octokit/openapi-types`, which holds types alone: the forge's answers are checked by them. */
const OCTOKIT = packages(['octokit', '@octokit/(?!openapi-types)[^/]+'])

const MODELS = packages(['openai', 'undici'])

/** What no client command may load, even indirectly. */
export const heavy = [LIBP2P, HYPERCORE, OCTOKIT]

export const options = {
  doNotFollow: { path: 'node_modules' },
  tsConfig: { fileName: 'tsconfig.json' },
  tsPreCompilationDeps: true,
  skipAnalysisNotInRules: false,
  enhancedResolveOptions: {
    exportsFields: ['exports'],
    conditionNames: ['types', 'import', 'node', 'default'],
    mainFields: ['module', 'main', 'types'],
  },
}

export default {
  forbidden: [
    ...rooms,
    {
      name: 'no-cycles',
      comment:
        'Of two files that need each other, also for types alone, neither can be understood first.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'api-types-only',
      comment: 'Of a capability the API knows the types only.',
      severity: 'error',
      from: { path: '^src/api/' },
      to: { path: '^src/', pathNot: `^src/${anyOf(['api', 'util', 'metrics', ...described])}/` },
    },
    {
      name: 'page-types-only',
      comment: 'The page is browser code: of the rest it knows the types only.',
      severity: 'error',
      from: { path: '^src/visualizer/web/' },
      to: {
        path: '^src/',
        pathNot: '^src/visualizer/web/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'agent-not-cli',
      comment: 'The composition root knows every folder but cli.',
      severity: 'error',
      from: { path: ROOT },
      to: { path: '^src/cli/' },
    },
    {
      name: 'agent-is-root',
      comment: 'Only cli builds on the composition root.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/cli/', ...ROOT] },
      to: { path: ROOT },
    },
    {
      name: 'only-through-the-door',
      comment: 'A room is imported by its index.ts only.',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', ...DOORS, CONTRACT] },
    },
    {
      name: 'contracts-for-types-only',
      comment: 'Values come through the door; of a contract file others name only the types.',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: CONTRACT, pathNot: '^src/$1/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'root-only-through-the-door',
      comment: 'The composition root, too, takes the doors.',
      severity: 'error',
      from: { path: '^src/[^/]+$' },
      to: { path: '^src/[^/]+/', pathNot: DOORS },
    },
    only('libp2p-in-mesh', LIBP2P, '^src/mesh/', 'Only mesh/ knows libp2p.'),
    only('hypercore-in-journal', HYPERCORE, '^src/journal/', 'Only journal/ knows hypercore.'),
    only(
      'models-in-chat',
      MODELS,
      '^src/work/executors/chat/',
      'Only work/executors/chat/ talks to models.',
    ),
    only('mcp-in-mcp', packages(['@modelcontextprotocol']), '^src/mcp/', 'Only mcp/ knows MCP.'),
    only(
      'octokit-in-github',
      OCTOKIT,
      ['^src/tasks/github/[^/]+\\.ts$', '^src/secrets/github-app\\.ts$'],
      'Only tasks/github/ and secrets/github-app.ts know octokit.',
    ),
    only(
      'spawn-in-process',
      `^(?:node:)?(?:child_process|cluster)$|${packages(['execa'])}`,
      '^src/process/',
      'Only process/ starts processes.',
    ),
    {
      name: 'nothing-from-outside-src',
      comment: 'What ships does not import tests, benchmarks or examples.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(?:test|bench|examples|docs)/' },
    },
    {
      name: 'no-development-packages',
      comment: 'What ships imports dependencies only.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-unresolved',
      comment: 'Every import leads somewhere.',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options,
}
