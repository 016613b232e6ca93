/** Names and roles that the configuration or a person gave. Errors: `MESH_CONFIG_INVALID` (data: field). */
import { MeshError } from '../errors.ts'
import { meshNameSchema, nameSchema, rolesSchema, sortRoles } from './statements.ts'
import type { Role } from './types.ts'

export function checkName(name: string): string {
  if (nameSchema.safeParse(name).success) return name
  throw invalid('name', 'Give a name of 1 to 64 printable characters.')
}

export function checkMeshName(name: string): string {
  if (meshNameSchema.safeParse(name).success) return name
  throw invalid(
    'meshName',
    'Give letters, digits, ".", "_" and "-", at most 64, beginning with a letter or digit.',
  )
}

/** Sorted. */
export function checkRoles(roles: readonly Role[]): Role[] {
  const parsed = rolesSchema.safeParse(sortRoles(roles))
  if (parsed.success) return parsed.data
  throw invalid('roles', 'Give one or more of worker, observer, signer.')
}

function invalid(field: string, next: string): MeshError {
  return new MeshError('MESH_CONFIG_INVALID', `The option ${field} cannot be used.`, {
    data: { field },
    next,
  })
}
