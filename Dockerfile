FROM node:22.20.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The install scripts of development tools download files that the image does not need.
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:22.20.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/prisma ./prisma
COPY --from=build /app/zone-data ./zone-data
COPY --from=build /app/schema.graphql ./
COPY --from=build /app/scripts/healthy.js ./
USER node
EXPOSE 4000
ENTRYPOINT ["node", "/app/dist/cli/odograph.js"]
CMD ["--help"]
