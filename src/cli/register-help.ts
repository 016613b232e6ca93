/** `bzzz ask …` and `bzzz mcp`: help among agents, for people and for programs. */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { help, path, whole } from './options.ts'
import type { Root, Run } from './root.ts'

const TASK = 'owner/name#12, 12 when only one repository has it, or the issue’s URL'
const forms = ['patch', 'advice', 'takeover'] as const
type Form = (typeof forms)[number]

function request(text: string): string {
  if (/^[0-9a-f]{4,32}$/.test(text)) return text
  throw new InvalidArgumentError('Write its id, or the first 4 or more digits of it.')
}

function words(text: string, all: string[] | undefined): string[] {
  const given = text.split(',').map((word) => word.trim())
  if (given.every((word) => /^[\w.:+@/#-]{1,64}$/.test(word))) return [...(all ?? []), ...given]
  throw new InvalidArgumentError('Write words such as playwright, or several with commas.')
}

function wanted(text: string, all: Form[] | undefined): Form[] {
  const given = text.split(',').map((word) => {
    const found = forms.find((form) => form === word.trim())
    if (found !== undefined) return found
    throw new InvalidArgumentError(`Write ${forms.join(', ')}, or several with commas.`)
  })
  return [...new Set([...(all ?? []), ...given])]
}

export function registerHelp(root: Root, run: Run): void {
  const ask = root
    .command('ask')
    .summary('help among agents')
    .description('Requests for help with a task, and the answers to them.')
  ask
    .command('ls')
    .summary('list requests for help, own and others’')
    .description(
      help(
        'Lists the requests for help that the journals here tell of, the newest first.',
        'bzzz ask ls',
        'bzzz ask ls --last 200 --json',
      ),
    )
    .addOption(new Option('--last <n>', 'at most so many (default: 50)').argParser(whole(1, 999)))
    .action((options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/ask/ask.ts')).askLs(context, options),
      ),
    )
  ask
    .command('show')
    .summary('draw whom a request went to, and what each did')
    .description(
      help(
        'Draws the tree of a request, from the journals alone: who asked whom at which hop and why, offers, the answer, and what became of it.',
        'bzzz ask show 3f2a91c0',
      ),
    )
    .argument('<id>', 'its id, or the beginning of it', request)
    .action((id, _options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/ask/ask.ts')).askShow(context, id),
      ),
    )
  ask
    .command('send')
    .summary('ask for help for a task that runs here')
    .description(
      help(
        'Asks the mesh as the task’s executor would, and waits for what comes of it; exits 1 when nobody helped. Ctrl-C withdraws the request. A task has 3 requests.',
        'bzzz ask send 12 --question "Which of the two parsers is the one to change?"',
        'bzzz ask send 12 --question-file - --need playwright --want patch < question.txt',
      ),
    )
    .argument('<task>', TASK)
    .option('--question <text>', 'what to ask, up to 4,000 characters')
    .addOption(
      new Option('--question-file <file>', 'file that holds the question; - is stdin').argParser(
        path,
      ),
    )
    .addOption(
      new Option('--need <word>', 'what the helper must have; repeatable').argParser(words),
    )
    .addOption(
      new Option('--want <form>', 'patch, advice, takeover (default: patch,advice)').argParser(
        wanted,
      ),
    )
    .action((ref, options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/ask/ask.ts')).askSend(context, ref, options),
      ),
    )
  ask
    .command('answer')
    .summary('give advice to a request that waits for a person here')
    .description(
      help(
        'Sends your text to who asks, as advice; without an option it is read from stdin. `bzzz ask ls` shows what waits.',
        'bzzz ask answer 3f2a91c0 --text "The old one; see docs/parser.md"',
        'bzzz ask answer 3f2a91c0 < advice.txt',
      ),
    )
    .argument('<id>', 'its id, or the beginning of it', request)
    .option('--text <text>', 'the advice, up to 32,000 characters')
    .addOption(
      new Option('--text-file <file>', 'file that holds the advice; - is stdin').argParser(path),
    )
    .action((id, options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/ask/ask.ts')).askAnswer(context, id, options),
      ),
    )
  root
    .command('mcp')
    .summary('an MCP server on stdio: ask for help, peers, tasks, budgets')
    .description(
      help(
        'Serves the Model Context Protocol on stdin and stdout, for an MCP client that starts it. Coding agents that work a task get it by themselves, for that task alone.',
        'bzzz mcp                      list_peers, show_task, show_budget',
        'bzzz mcp --task 12            also ask_for_help, for that task',
      ),
    )
    .option('--task <task>', TASK)
    .action((options, command) =>
      run(command.optsWithGlobals(), async (context) =>
        (await import('./client/mcp.ts')).mcp(context, options),
      ),
    )
}
