import type { Store } from '../open.ts';
import { checkSession } from '../session.ts';

/**
 * Refuses a login that row-level security does not bind: a superuser, one that bypasses row-level
 * security, or an owner of tables.
 * @throws Error that says what is wrong and which login to use
 */
export async function checkApiLogin(store: Store): Promise<void> {
  const { prisma } = store;
  await checkSession(store);
  const [row] = await prisma.$queryRaw<
    { login: string; super: boolean; bypass: boolean; owned: string | null }[]
  >`
    select current_user::text as login, r.rolsuper as super, r.rolbypassrls as bypass,
      (select min(c.relname::text) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm')
          and pg_has_role(current_user, c.relowner, 'MEMBER')) as owned
    from pg_roles r where r.rolname = current_user`;
  const fault = row?.super
    ? 'is a superuser'
    : row?.bypass
      ? 'bypasses row-level security'
      : row?.owned
        ? `owns the table ${row.owned}`
        : undefined;
  if (row && fault !== undefined) {
    throw new Error(
      `the API's database login ${row.login} ${fault}, so tenants would not be separated; set DATABASE_API_URL to the login odograph_api`,
    );
  }
}
