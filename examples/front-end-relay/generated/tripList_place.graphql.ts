/**
 * @generated SignedSource<<5dbe3014bc05856f37a5a01bad76bab5>>
 * @lightSyntaxTransform
 */

/* tslint:disable */
/* eslint-disable */
// @ts-nocheck

import type { ReaderFragment } from 'relay-runtime';
import type { FragmentRefs, Result } from "relay-runtime";
export type tripList_place$data = {
  readonly id: string;
  readonly start: Result<{
    readonly lat: number;
    readonly lon: number;
  } | null | undefined, unknown>;
  readonly " $fragmentType": "tripList_place";
};
export type tripList_place$key = {
  readonly " $data"?: tripList_place$data;
  readonly " $fragmentSpreads": FragmentRefs<"tripList_place">;
};

import tripListPlaceQuery_graphql from './tripListPlaceQuery.graphql';

const node: ReaderFragment = {
  "argumentDefinitions": [],
  "kind": "Fragment",
  "metadata": {
    "refetch": {
      "connection": null,
      "fragmentPathInResult": [
        "node"
      ],
      "operation": tripListPlaceQuery_graphql,
      "identifierInfo": {
        "identifierField": "id",
        "identifierQueryVariableName": "id"
      }
    }
  },
  "name": "tripList_place",
  "selections": [
    {
      "kind": "CatchField",
      "field": {
        "alias": null,
        "args": null,
        "concreteType": "Position",
        "kind": "LinkedField",
        "name": "start",
        "plural": false,
        "selections": [
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "lat",
            "storageKey": null
          },
          {
            "alias": null,
            "args": null,
            "kind": "ScalarField",
            "name": "lon",
            "storageKey": null
          }
        ],
        "storageKey": null
      },
      "to": "RESULT"
    },
    {
      "alias": null,
      "args": null,
      "kind": "ScalarField",
      "name": "id",
      "storageKey": null
    }
  ],
  "type": "Trip",
  "abstractKey": null
};

(node as any).hash = "c95a5bb47d34bc31869966e08ffc3a6b";

export default node;
