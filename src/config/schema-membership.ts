/** Options about how this agent becomes a member of its mesh. */
import * as field from './fields.ts'
import { option } from './option.ts'

export const join = option(field.storedSecret.optional(), {
  what: 'Where the token is with which an agent that belongs to no mesh joins one by itself: what `bzzz invite` prints.',
  why: 'For containers, with a token of `bzzz invite --uses any --ttl never` as their secret. It waits for as long as no signer answers. Without a token it founds a mesh of its own.',
  form: '{file: PATH}, {credential: NAME} or {env: NAME}',
  defaultText:
    'the first of the file in BZZZ_MESH_JOIN_FILE, $CREDENTIALS_DIRECTORY/mesh_join, /run/secrets/mesh_join, BZZZ_MESH_JOIN; else none',
  env: false,
})
