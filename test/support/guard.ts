/**
 * Tests create and drop databases and set the passwords of the product's roles, so they refuse a server
 * unless the name of the database says that it is for tests.
 * @throws Error for a URL whose database name lacks "test".
 */
export function refuseForeignDatabase(url: string): void {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  if (name.includes('test')) return;
  throw new Error(
    `DATABASE_URL names the database "${name}", which does not have "test" in its name: ` +
      'the tests do not touch it. Name one that has, or unset DATABASE_URL to let them start their own.',
  );
}
