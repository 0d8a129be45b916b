import { type BackendName, chooseBackend, describeChoice } from '@proj/backends';

/**
 * Makes the named backend, or the best there is, the active one and says which on the error output; gives its name.
 * @throws ProjError `unknown-backend`, `backend-unavailable`.
 */
export async function selectBackend(name = 'auto', { quiet = false } = {}): Promise<string> {
  const choice = await chooseBackend({ backend: name as BackendName });
  if (!quiet) describeChoice(choice, console.error);
  return choice.backend;
}
