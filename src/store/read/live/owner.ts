/** To whom a row belongs: the tenant's slug, and the driver's external id if there is a driver. */
export interface Owner {
  readonly tenant: string;
  readonly driver: string | null;
}
