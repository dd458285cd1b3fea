// ElementCore
