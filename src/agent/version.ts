/** Version of the package, as peers and people see it. */
import packageJson from '../../package.json' with { type: 'json' }

export const version: string = packageJson.version
