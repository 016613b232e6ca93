/**
 * An MCP server over stdio with four tools: ask the mesh for help, list peers, show a task, show its
 * budget. It knows no agent: whoever starts it hands in `Tools`, which ask one. Light, since it is started
 * once for each session of a coding agent.
 *
 * @example
 * const mcp = serveMcp({ version, instructions }, { tools, stdin: process.stdin, stdout: process.stdout })
 * await mcp.ended
 */
export { serveMcp, type McpComponents, type McpConnection, type McpInit } from './server.ts'
export type { HelpForm, HelpReply, HelpWanted, Tools } from './types.ts'
